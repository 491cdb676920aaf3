//! The author's words for the rules of the grammar: what could stand at a place.

use super::node::Rule;
use crate::finding::words;

/// How many choices a message lists.
const CHOICES_MAX: usize = 8;

/// Lists what rules stand for, each thing once.
pub(super) fn list(rules: &[Rule]) -> String {
    let mut choices: Vec<String> = Vec::new();
    for rule in rules {
        for choice in phrases(*rule) {
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
    }
    choices.truncate(CHOICES_MAX);
    words::one_of(&choices)
}

/// What could stand there, as help; where a text in quotes stands for a name, how to write it.
pub(super) fn help(found: &str, rules: &[Rule]) -> Option<String> {
    let quoted = found.trim_matches(|c: char| "\"“”„'".contains(c));
    if rules.contains(&Rule::name) && quoted.len() < found.len() && !quoted.is_empty() {
        return Some(format!("names stand without quotes: `{quoted}`"));
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
        | Rule::fields
        | Rule::wait_block
        | Rule::message_body
        | Rule::stage_body => &["`{`"],
        Rule::close | Rule::stage_missing_close | Rule::missing_close => &["`}`"],
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
        Rule::set_sign => &["`=`"],
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
