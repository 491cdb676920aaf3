//! The author's words for the rules of the grammar: what could stand at a place.

use super::node::{Rule, snake_case};
use crate::finding::words;

/// How many choices a message lists.
const CHOICES_MAX: usize = 8;

/// Lists what rules stand for, each thing once.
pub(super) fn list(rules: &[Rule]) -> String {
    let mut choices: Vec<String> = Vec::new();
    // An expression can go on in twenty ways wherever one ends; they are one choice.
    let goes_on = rules.iter().any(|rule| matches!(rule, Rule::k_contains | Rule::contains));
    if goes_on {
        choices.extend(["`and`, `or`, a comparison such as `>= 50`".to_owned()]);
    }
    for rule in rules.iter().filter(|rule| !(goes_on && IN_EXPRESSIONS.contains(rule))) {
        for choice in phrases(*rule) {
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
    }
    choices.truncate(CHOICES_MAX);
    words::one_of(&choices)
}

/// What goes on an expression behind a value.
const IN_EXPRESSIONS: [Rule; 22] = [
    Rule::or,
    Rule::and,
    Rule::equal,
    Rule::not_equal,
    Rule::less,
    Rule::less_equal,
    Rule::greater,
    Rule::greater_equal,
    Rule::in_list,
    Rule::not_in,
    Rule::contains,
    Rule::starts_with,
    Rule::ends_with,
    Rule::k_contains,
    Rule::k_ends,
    Rule::k_in,
    Rule::k_is,
    Rule::k_not,
    Rule::k_starts,
    Rule::k_and,
    Rule::k_or,
    Rule::unit,
];

/// The little word that is missing before a name, where one is.
pub(super) fn missing_word(found: &str, rules: &[Rule]) -> Option<&'static str> {
    const LITTLE: [&str; 16] = [
        "at", "when", "by", "if", "in", "over", "with", "from", "of", "for", "to", "on", "where", "within",
        "worth", "into",
    ];
    let known = [(Rule::k_to, "to"), (Rule::k_on, "on"), (Rule::k_for, "for")];
    let (_, word) = known.into_iter().find(|(rule, _)| rules.contains(rule))?;
    let field = found == "contact" && word == "on";
    (!LITTLE.contains(&found) && !field).then_some(word)
}

/// Whether a block in braces could stand there.
pub(super) fn wants_block(rules: &[Rule]) -> bool {
    rules.iter().any(|rule| {
        matches!(
            rule,
            Rule::block | Rule::if_block | Rule::branch_block | Rule::stage_body | Rule::wait_block
        )
    })
}

/// Whether a number could stand there, or a length of time, which begins with one.
pub(super) fn wants_number(rules: &[Rule]) -> bool {
    rules.iter().any(|rule| {
        matches!(
            rule,
            Rule::digits
                | Rule::number
                | Rule::signed_number
                | Rule::duration
                | Rule::duration_value
                | Rule::wait_for
                | Rule::after_length
                | Rule::step_time
        )
    })
}

/// How to write a text in quotes that stands for something else: what to say, and what to write.
pub(super) fn unquoted(found: &str, rules: &[Rule]) -> Option<(String, String)> {
    let quoted = found.trim_matches(|c: char| "\"“”„'".contains(c));
    if quoted.len() == found.len() || quoted.is_empty() || rules.contains(&Rule::text) {
        return None;
    }
    if rules.contains(&Rule::name) {
        let name = snake_case(quoted);
        return Some((format!("names stand without quotes: `{name}`"), name));
    }
    let digit = quoted.starts_with(|c: char| c.is_ascii_digit());
    digit.then(|| (format!("this stands without quotes: `{quoted}`"), quoted.to_owned()))
}

/// What could stand there, as help.
pub(super) fn help(found: &str, rules: &[Rule]) -> Option<String> {
    if let Some((help, _)) = unquoted(found, rules) {
        return Some(help);
    }
    let list = list(rules);
    (!list.is_empty()).then(|| format!("what can stand here: {list}"))
}

/// The word that was probably meant, among those that could stand there.
pub(super) fn near(found: &str, rules: &[Rule]) -> Option<String> {
    let choices: Vec<String> = rules.iter().flat_map(|rule| phrases(*rule)).collect();
    let words: Vec<&str> = choices
        .iter()
        .filter_map(|choice| choice.strip_prefix('`'))
        .filter_map(|choice| choice.split([' ', '`']).next())
        .filter(|word| word.len() > 2 && word.chars().all(|c| c.is_ascii_lowercase()))
        .collect();
    words::near(found, words).map(str::to_owned)
}

fn phrases(rule: Rule) -> Vec<String> {
    let written = format!("{rule:?}");
    match rule {
        Rule::k_up => return vec!["`up to`".to_owned()],
        Rule::k_business => return vec!["`business days`".to_owned()],
        _ => {}
    }
    if let Some(word) = written.strip_prefix("k_") {
        return vec![format!("`{word}`")];
    }
    if written.starts_with("wrong_") || rule == Rule::EOI {
        return Vec::new();
    }
    phrase(rule).iter().map(|phrase| (*phrase).to_owned()).collect()
}

fn phrase(rule: Rule) -> &'static [&'static str] {
    match rule {
        Rule::name | Rule::word | Rule::name_in_expression | Rule::channel => &["a name"],
        Rule::text | Rule::plain_text | Rule::long_text | Rule::open_text => &["a text in quotes"],
        Rule::number | Rule::digits | Rule::signed_number => &["a number"],
        Rule::share => &["a share such as `10%`"],
        Rule::duration | Rule::duration_value | Rule::wait_for => &["a length of time such as `3 days`"],
        Rule::unit => &["a unit of time such as `days`"],
        Rule::clock_time | Rule::until_time | Rule::at_time => &["a time of day such as `09:00`"],
        Rule::date | Rule::moment | Rule::until_date => &["a date such as `2027-03-01`"],
        Rule::weekday | Rule::until_weekday | Rule::every_weekday => &["a day such as `monday`"],
        Rule::expression | Rule::condition | Rule::reference | Rule::until_expression => &["a value"],
        Rule::whole_expression => &["a condition such as `contact.country == \"DE\"`"],
        Rule::field | Rule::scope => &["a field such as `contact.score`"],
        Rule::list => &["a list such as `[\"DE\", \"AT\"]`"],
        Rule::boolean => &["`true`", "`false`"],
        Rule::pairs
        | Rule::block
        | Rule::if_block
        | Rule::branch_block
        | Rule::fields
        | Rule::wait_block
        | Rule::message_body
        | Rule::stage_body => &["`{`"],
        Rule::close
        | Rule::stage_missing_close
        | Rule::missing_close
        | Rule::if_missing_close
        | Rule::branch_missing_close => &["`}`"],
        Rule::with => &["`with { … }`"],
        Rule::otherwise | Rule::otherwise_branch => &["`otherwise { … }`"],
        Rule::on_branch => &["`on … { … }`"],
        Rule::trigger | Rule::reaction | Rule::reaction_kind => {
            &["an event", "a reaction such as `clicked NAME`"]
        }
        Rule::where_part => &["`where`"],
        Rule::per => &["`per event.FIELD`"],
        Rule::into => &["`into STAGE`"],
        Rule::within => &["`within 30 days`"],
        Rule::worth => &["`worth event.total`"],
        Rule::best_time => &["`at best time within 12 hours`"],
        Rule::and_wait => &["`and wait up to 2 days { … }`"],
        Rule::wait_up_to => &["`up to 3 days { … }`"],
        Rule::wait_until | Rule::wait_window => &["`until …`"],
        Rule::wait_business => &["`3 business days`"],
        Rule::send_one => &["the channel and the name of a message, such as `email welcome`"],
        Rule::send_choice => &["`first of { … }`"],
        Rule::send_to => &["`to`"],
        Rule::one_of => &["`one of [ … ]`"],
        Rule::default => &["`= VALUE`"],
        Rule::field_type | Rule::list_type => {
            &["`text`", "`number`", "`boolean`", "`date`", "`datetime`", "`list of …`"]
        }
        Rule::variant => &["`variant NAME 50% { … }`"],
        Rule::pick => &["`pick by … after …`"],
        Rule::enter_on | Rule::enter_on_date => &["`on EVENT`"],
        Rule::enter_when | Rule::leave_when => &["`when …`"],
        Rule::enter_every => &["`every day at 09:00`"],
        Rule::enter_relative => &["`3 days before contact.FIELD at 09:00`"],
        Rule::enter_yearly => &["`yearly on contact.FIELD at 09:00`"],
        Rule::enter_without => &["`after 30 days without EVENT`"],
        Rule::enter_request => &["`by request`"],
        Rule::leave_on | Rule::leave_on_goal => &["`on EVENT`"],
        Rule::set_sign | Rule::definition_sign | Rule::sign_equals => &["`=`"],
        Rule::step_time | Rule::at_moment => &["`at 2027-03-01 10:00`"],
        Rule::after_length => &["`after 1 day`"],
        Rule::expectation | Rule::expect_message => &["`email NAME`"],
        Rule::expect_no => &["`no email`"],
        Rule::expect_stage => &["`stage NAME`"],
        Rule::expect_goal => &["`goal NAME`"],
        Rule::expect_outcome => &["`outcome NAME`"],
        Rule::expect_handoff => &["`handoff NAME`"],
        Rule::expect_call => &["`call NAME`"],
        Rule::expect_skipped => &["`skipped NAME because REASON`"],
        Rule::expect_contact => &["`contact.FIELD == VALUE`"],
        Rule::sent_at => &["`sent at 2027-03-01 09:00`"],
        Rule::strict_declaration => {
            &["`journey`", "`email`", "`event`", "`contact`", "`topic`", "`segment`", "`test`", "`policy`"]
        }
        Rule::strict_clause | Rule::clause => {
            &["`stage`", "`owner`", "`enter`", "`reenter`", "`permission`", "`goal`", "`leave`", "`control`"]
        }
        Rule::strict_policy_clause => &["`quiet`", "`cap`", "`holdout`", "`late`", "`unsure`"],
        Rule::strict_statement | Rule::statement => {
            &["`send`", "`wait`", "`if`", "`go to`", "`end`", "`set`", "`hand off to`", "`call`"]
        }
        Rule::strict_branch => &["`on … { … }`", "`otherwise { … }`"],
        Rule::strict_experiment => &["`variant NAME 50% { … }`", "`pick by … after …`"],
        Rule::strict_step => {
            &["`at 2027-03-01 10:00 …`", "`after 1 day …`", "`expect …`", "`contact { … }`", "`held out`"]
        }
        Rule::strict_field | Rule::field_declaration => &["a field such as `first_name text`"],
        Rule::strict_survey => &["`scale 0 to 10`", "`comment \"…\"`"],
        Rule::strict_setting | Rule::message_setting => &[
            "`topic`",
            "`from`",
            "`subject`",
            "`preheader`",
            "`template`",
            "`body`",
            "`text`",
            "`utm { … }`",
        ],
        Rule::and | Rule::or => &["`and`", "`or`"],
        Rule::equal => &["`==`"],
        Rule::not_equal => &["`!=`"],
        Rule::less | Rule::less_equal | Rule::greater | Rule::greater_equal => &["a comparison such as `>=`"],
        Rule::in_list | Rule::not_in => &["`in [ … ]`"],
        Rule::do_event => &["`event NAME`"],
        Rule::do_click => &["`click NAME`"],
        Rule::do_open => &["`open NAME`"],
        Rule::do_nothing => &["`nothing`"],
        Rule::survey_scale | Rule::name_scale => &["`scale 0 to 10`"],
        Rule::survey_comment | Rule::name_comment => &["`comment \"…\"`"],
        _ => &[],
    }
}
