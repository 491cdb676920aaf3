//! Journey files made of chance: any construct of the grammar, written any way that the language allows.

/// The words and signs of a file, from bytes that choose; where they end, what is shortest is chosen.
pub fn words(bytes: &[u8]) -> Vec<String> {
    let mut writer = Writer { bytes: bytes.iter(), words: Vec::new() };
    while writer.bytes.len() > 0 {
        writer.declaration();
    }
    writer.words
}

/// The words with one blank between them.
pub fn plain(words: &[String]) -> String {
    words.join(" ")
}

/// The words with blanks and ends of lines between them, as bytes choose.
pub fn scattered(words: &[String], bytes: &[u8]) -> String {
    joined(words, bytes, &[" ", "  ", "\n", "\t", " \n ", "\r\n"])
}

/// The words with blanks, empty lines and comments between them.
pub fn commented(words: &[String], bytes: &[u8]) -> String {
    joined(words, bytes, &[" ", "\n", "\n\n\n", " # c\n", "\n# own\n", "\n\n  # apart \n\n", " #\n#\n"])
}

fn joined(words: &[String], bytes: &[u8], between: &[&str]) -> String {
    let mut text = String::new();
    let mut bytes = bytes.iter().cycle();
    for word in words {
        let byte = bytes.next().copied().unwrap_or(0);
        // Most words stand in their line.
        let choice = if byte < 128 { 0 } else { byte as usize % between.len() };
        text.push_str(between[choice]);
        text.push_str(word);
    }
    text
}

const NAMES: [&str; 6] =
    ["a", "welcome", "spring_sale_2027", "b2", "stage_two", "a_name_that_is_rather_long_for_one"];
const TEXTS: [&str; 8] = [
    r#""""#,
    r#""x""#,
    r#""Hello {{ contact.first_name | default('you') }}, how are you today? # no comment""#,
    r#""say \"hi\" \\ \n\t \u{1F33C}\u{A0}""#,
    "\"\"\"\n    one\n      two # three\n    \"\"\"",
    "\"\"\"one\"\"\"",
    "\"tab\there\"",
    "\"// { } ( ) , ; 'x'\"",
];
const UNITS: [&str; 8] = ["second", "minutes", "hour", "day", "days", "weeks", "months", "year"];
const COMPARISONS: [&str; 10] = ["==", "!=", "<", "<=", ">", ">=", "contains", "in", "not in", "starts with"];
const REACTIONS: [&str; 6] = ["clicked", "opened", "delivered", "bounced", "complained", "replied"];

struct Writer<'b> {
    bytes: std::slice::Iter<'b, u8>,
    words: Vec<String>,
}

impl Writer<'_> {
    fn choose(&mut self, count: usize) -> usize {
        self.bytes.next().map_or(0, |byte| *byte as usize % count)
    }

    fn maybe(&mut self) -> bool {
        self.choose(3) == 1
    }

    /// Several words, parted by blanks.
    fn put(&mut self, words: &str) {
        self.words.extend(words.split(' ').map(str::to_owned));
    }

    fn one_of(&mut self, choices: &[&str]) {
        let choice = self.choose(choices.len());
        self.put(choices[choice]);
    }

    fn name(&mut self) {
        self.one_of(&NAMES);
    }

    fn text(&mut self) {
        let choice = self.choose(TEXTS.len());
        self.words.push(TEXTS[choice].to_owned());
    }

    fn maybe_text(&mut self) {
        if self.maybe() {
            self.text();
        }
    }

    fn comma(&mut self) {
        if self.maybe() {
            self.put(",");
        }
    }

    fn length(&mut self) {
        self.one_of(&["1", "2", "03", "12"]);
        self.one_of(&UNITS);
    }

    fn time(&mut self) {
        self.one_of(&["09:00", "9:05", "23:59"]);
    }

    fn maybe_time(&mut self) {
        if self.maybe() {
            self.put("at");
            self.time();
        }
    }

    fn moment(&mut self) {
        self.put("2027-03-01");
        if self.maybe() {
            self.time();
        }
    }

    fn block(&mut self, most: usize, entry: impl Fn(&mut Self)) {
        self.put("{");
        for _ in 0..self.choose(most + 1) {
            entry(self);
        }
        self.put("}");
    }

    fn declaration(&mut self) {
        match self.choose(12) {
            0 => self.put("topic a"),
            1 => {
                self.put("topic");
                self.name();
                self.maybe_text();
                if self.maybe() {
                    self.put("essential");
                }
            }
            2 => {
                self.put("contact");
                self.block(5, Self::field);
            }
            3 => {
                self.put("event");
                self.name();
                self.maybe_text();
                self.block(5, Self::field);
            }
            4 => {
                self.one_of(&["segment", "measure"]);
                self.name();
                self.put("=");
                self.expression(3);
            }
            5 => self.survey(),
            6 => {
                self.put("policy");
                self.block(5, Self::policy_rule);
            }
            7 | 8 => {
                self.one_of(&["email", "sms", "push"]);
                self.name();
                self.put("{");
                let settings = self.choose(7);
                let utm = self.choose(7);
                for index in 0..settings {
                    // One block of a message holds them all.
                    if index == utm { self.utm() } else { self.setting() }
                }
                self.put("}");
            }
            9 => self.test(),
            _ => self.journey(),
        }
    }

    fn field(&mut self) {
        self.one_of(&["first_name", "score", "x", "renewal_date"]);
        self.one_of(&["text", "number", "boolean", "date", "datetime", "list of text"]);
        if self.maybe() {
            self.put("one of");
            self.list(1);
        }
        if self.maybe() {
            self.put("=");
            self.value(0);
            self.put(",");
            self.one_of(&["days", "in", "since", "plain"]);
            self.put("number");
        }
        self.comma();
    }

    fn survey(&mut self) {
        self.put("survey");
        self.name();
        self.maybe_text();
        self.put("{");
        if self.maybe() {
            self.put("scale 0 to 010");
        }
        if self.maybe() {
            self.put("comment");
            self.text();
        }
        self.put("}");
    }

    fn policy_rule(&mut self) {
        match self.choose(5) {
            0 => self.put("holdout 02%"),
            1 => {
                self.put("unsure");
                self.one_of(&["hold", "resend"]);
            }
            _ => self.limit(),
        }
    }

    /// A clause that the policy and journeys have in common.
    fn limit(&mut self) {
        match self.choose(3) {
            0 => self.put("quiet 21:00 to 8:00"),
            1 => {
                self.put("late");
                self.length();
            }
            _ => {
                self.put("cap");
                self.one_of(&["email", "any"]);
                self.put("03 per");
                self.length();
                match self.choose(4) {
                    0 => self.put("then skip"),
                    1 => self.put("then wait"),
                    2 => {
                        self.put("then wait up to");
                        self.length();
                    }
                    _ => {}
                }
            }
        }
    }

    fn utm(&mut self) {
        self.put("utm");
        self.pairs();
        self.comma();
    }

    fn setting(&mut self) {
        match self.choose(4) {
            0 => {
                self.put("topic");
                self.name();
            }
            1 => {
                self.put("in \"de\"");
                self.put("{ subject");
                self.text();
                self.put("template \"de.mjml\" }");
            }
            _ => {
                self.one_of(&["subject", "preheader", "template", "body", "text"]);
                self.text();
            }
        }
        self.comma();
    }

    fn pairs(&mut self) {
        self.put("{");
        for index in 0..self.choose(4) {
            if index > 0 {
                self.put(",");
                self.one_of(&["days", "in", "or", "since", "reason"]);
            } else {
                self.one_of(&["reason", "total", "a_longer_key"]);
            }
            self.expression(1);
        }
        self.put("}");
    }

    fn maybe_with(&mut self) {
        if self.maybe() {
            self.put("with");
            self.pairs();
        }
    }

    fn journey(&mut self) {
        self.put("journey");
        self.name();
        self.maybe_text();
        self.put("{");
        for _ in 0..self.choose(6) {
            self.clause();
        }
        for _ in 0..self.choose(3) {
            self.put("stage");
            self.name();
            self.block(6, |writer| writer.statement(3));
        }
        self.put("}");
    }

    fn maybe_where(&mut self) {
        if self.maybe() {
            self.put("where");
            self.expression(2);
        }
    }

    fn clause(&mut self) {
        match self.choose(13) {
            0 => {
                self.put("owner");
                self.text();
            }
            1..=3 => {
                self.put("enter");
                self.way_in();
                if self.maybe() {
                    self.put("into");
                    self.name();
                }
            }
            4 => {
                self.put("reenter");
                self.one_of(&["never", "always", "after 1 days"]);
            }
            5 => {
                self.one_of(&["starts", "ends"]);
                self.moment();
            }
            6 => {
                self.put("permission");
                self.name();
            }
            7 => {
                self.put("goal bought on order_placed");
                self.maybe_where();
                if self.maybe() {
                    self.put("within");
                    self.length();
                }
                if self.maybe() {
                    self.put("worth");
                    self.expression(1);
                }
            }
            8 => {
                self.put("leave");
                match self.choose(3) {
                    0 => self.put("on goal"),
                    1 => {
                        self.put("when");
                        self.expression(2);
                    }
                    _ => {
                        self.put("on signup");
                        self.maybe_where();
                    }
                }
            }
            9 => self.one_of(&["control 010%", "control 0.5%", "priority 50"]),
            10 => self.one_of(&["timezone contact", "timezone \"Europe/Berlin\"", "on change finish"]),
            _ => self.limit(),
        }
    }

    fn way_in(&mut self) {
        match self.choose(8) {
            0 => self.put("by request"),
            1 => {
                self.put("when");
                self.expression(2);
                if self.maybe() {
                    self.put("backfill");
                }
            }
            2 => {
                self.put("every");
                if self.maybe() {
                    self.put("cron");
                    self.words.push("\"0 9 * * MON-FRI\"".to_owned());
                } else {
                    self.one_of(&["day", "monday", "month on 01"]);
                    self.maybe_time();
                }
                self.maybe_where();
            }
            3 => {
                self.length();
                self.one_of(&["before", "after"]);
                self.field_name();
                self.maybe_time();
                self.maybe_where();
            }
            4 => {
                self.one_of(&["on", "yearly on"]);
                self.field_name();
                self.maybe_time();
                self.maybe_where();
            }
            5 => {
                self.put("after");
                self.length();
                self.put("without signup");
                self.maybe_where();
            }
            _ => {
                self.put("on signup");
                self.maybe_where();
                if self.maybe() {
                    self.put("per event . order_id");
                }
            }
        }
    }

    fn statements(&mut self, depth: usize) {
        self.block(3, |writer| writer.statement(depth));
    }

    fn statement(&mut self, depth: usize) {
        let choices = if depth == 0 { 12 } else { 19 };
        match self.choose(choices) {
            0 => self.one_of(&["go to interest", "stop"]),
            1 => {
                self.one_of(&["tag", "untag", "alert ops"]);
                self.text();
            }
            2 => {
                self.put("set");
                self.field_name();
                self.put("=");
                self.expression(3);
            }
            3 => {
                self.put("clear");
                self.field_name();
            }
            4 => {
                self.put("add");
                self.expression(1);
                self.put("to contact . score");
            }
            5 => self.one_of(&["allow news", "refuse news", "wait 1 business days", "wait 03 business day"]),
            6 => {
                self.put("record signup");
                if self.maybe() {
                    self.pairs();
                }
            }
            7 => {
                self.put("start spring_sale");
                self.maybe_with();
            }
            8 => {
                self.put("wait");
                self.length();
            }
            9 | 10 => {
                self.put("wait until");
                self.until();
            }
            11 => self.put("end as bought"),
            12 => self.send(depth),
            13 => {
                self.one_of(&["call erp", "hand off to sales"]);
                self.maybe_with();
                if self.maybe() {
                    self.put("and");
                    self.wait(depth);
                }
            }
            14 | 15 => self.wait(depth),
            16 => {
                self.put("if");
                self.expression(3);
                self.statements(depth - 1);
                for _ in 0..self.choose(3) {
                    self.put("else if");
                    self.expression(2);
                    self.statements(depth - 1);
                }
                if self.maybe() {
                    self.put("else");
                    self.statements(depth - 1);
                }
            }
            17 => {
                self.put("repeat up to");
                self.one_of(&["1 times", "2 time"]);
                self.statements(depth - 1);
            }
            _ => self.experiment(depth),
        }
    }

    fn until(&mut self) {
        match self.choose(6) {
            0 => self.time(),
            1 => {
                self.put("monday");
                self.time();
            }
            2 => self.moment(),
            3 => self.put("2027-03-01 at 9:00"),
            4 => {
                self.put("09:00 to 18:00");
                if self.maybe() {
                    self.put("on monday to friday");
                }
            }
            _ => {
                self.field_name();
                if self.maybe() {
                    self.put("-");
                    self.length();
                }
                self.maybe_time();
            }
        }
    }

    fn send(&mut self, depth: usize) {
        self.put("send");
        if self.maybe() {
            self.one_of(&["first of", "best of"]);
            self.put("{ push a");
            self.comma();
            self.put("email b }");
        } else {
            self.one_of(&["email", "sms"]);
            self.name();
            if self.maybe() {
                self.put("to");
                self.expression(1);
            }
        }
        self.maybe_with();
        if self.maybe() {
            self.put("at best time within");
            self.length();
        }
        if self.maybe() {
            self.put("otherwise");
            self.statements(depth - 1);
        }
    }

    fn trigger(&mut self) {
        if self.maybe() {
            self.one_of(&REACTIONS);
            self.name();
            self.maybe_text();
        } else {
            self.one_of(&["signup", "reply", "accepted", "rejected"]);
        }
    }

    fn wait(&mut self, depth: usize) {
        self.put("wait up to");
        self.length();
        self.put("{");
        for _ in 0..self.choose(4) {
            self.put("on");
            self.trigger();
            self.maybe_where();
            self.statements(depth - 1);
        }
        self.put("otherwise");
        self.statements(depth - 1);
        self.put("}");
    }

    fn experiment(&mut self, depth: usize) {
        self.put("experiment");
        self.name();
        self.put("{");
        for _ in 0..self.choose(3) {
            self.put("variant");
            self.name();
            self.words.push("50 %".to_owned());
            self.statements(depth - 1);
        }
        if self.maybe() {
            self.put("pick by");
            self.trigger();
            self.put("after");
            self.length();
        }
        self.put("}");
    }

    fn test(&mut self) {
        self.put("test");
        self.text();
        self.put("for spring_sale");
        self.block(8, Self::step);
    }

    fn step(&mut self) {
        match self.choose(6) {
            0 => self.one_of(&["held out", "variant size b", "allow other messages"]),
            1 => {
                self.put("contact { email \"ada@example.org\"");
                self.comma();
                self.put("score -05");
                self.comma();
                self.put("allows news }");
            }
            2 | 3 => {
                match self.choose(3) {
                    0 => {
                        self.put("at");
                        self.moment();
                    }
                    1 => {
                        self.put("after");
                        self.length();
                    }
                    _ => {}
                }
                self.action();
            }
            _ => {
                self.put("expect");
                self.expectation();
            }
        }
    }

    fn action(&mut self) {
        match self.choose(6) {
            0 => self.one_of(&[
                "nothing",
                "accept",
                "reject",
                "open welcome",
                "bounce welcome",
                "complain welcome",
            ]),
            1 => {
                self.put("click welcome");
                self.maybe_text();
            }
            2 => self.put("answer happy -3"),
            3 => {
                self.put("set");
                self.field_name();
                self.put("=");
                self.expression(1);
            }
            _ => {
                self.one_of(&["event signup", "reply erp", "enter"]);
                self.pairs();
            }
        }
    }

    fn expectation(&mut self) {
        match self.choose(6) {
            0 => self.one_of(&[
                "stage interest",
                "outcome bought",
                "no email",
                "no email welcome",
                "goal bought",
            ]),
            1 => {
                self.put("goal bought worth");
                self.expression(1);
            }
            2 => {
                self.one_of(&["handoff sales", "call erp"]);
                self.pairs();
            }
            3 => self.put("skipped welcome because no_permission"),
            4 => {
                self.field_name();
                self.put("==");
                self.expression(1);
            }
            _ => {
                self.put("email welcome");
                if self.maybe() {
                    self.put("sent at");
                    self.moment();
                }
            }
        }
    }

    fn field_name(&mut self) {
        self.one_of(&["contact", "entry", "event", "reply"]);
        self.put(".");
        self.one_of(&["score", "total", "first_name"]);
    }

    fn list(&mut self, depth: usize) {
        self.put("[");
        for index in 0..self.choose(12) {
            if index > 0 {
                self.put(",");
            }
            self.value(depth);
        }
        self.put("]");
    }

    fn expression(&mut self, depth: usize) {
        for _ in 0..self.choose(3) {
            self.operand(depth);
            if self.maybe() {
                self.one_of(&["or", "and", "+", "-", "*", "/"]);
            } else {
                self.one_of(&COMPARISONS);
            }
        }
        self.operand(depth);
    }

    fn operand(&mut self, depth: usize) {
        match self.choose(8) {
            1 => self.put("not"),
            2 => self.put("-"),
            _ => {}
        }
        self.value(depth);
        match self.choose(12) {
            1 => self.put("is set"),
            2 => self.put("is not set"),
            _ => {}
        }
    }

    fn value(&mut self, depth: usize) {
        let choices = if depth == 0 { 9 } else { 14 };
        match self.choose(choices) {
            0 => self.one_of(&["1", "007", "12.50", "050%", "true", "false"]),
            1 | 2 => self.field_name(),
            3 => self.text(),
            4 => self.length(),
            5 => self.one_of(&["today", "now", "today ( )", "9:00", "churn_risk"]),
            6 => self.moment(),
            7 => self.one_of(&["in segment best", "has tag \"vip\"", "allows news"]),
            8 => {
                self.one_of(&REACTIONS);
                self.put("(");
                self.name();
                if self.maybe() {
                    self.comma();
                    self.text();
                }
                self.put(")");
            }
            9 => self.list(depth - 1),
            10 => {
                self.one_of(&["count ( signup", "sum ( order_placed . total", "last ( signup"]);
                if self.maybe() {
                    self.put("in last");
                    self.length();
                }
                if self.maybe() {
                    self.put("where");
                    self.expression(depth - 1);
                }
                self.put(")");
            }
            11 => {
                self.one_of(&["days since", "hour until"]);
                self.field_name();
            }
            _ => {
                self.put("(");
                self.expression(depth - 1);
                self.put(")");
            }
        }
    }
}
