use super::Place::Test;
use super::Word;

/// What stands in a test.
pub(super) const WORDS: &[Word] = &[
    Test.word(
        "test_contact",
        ["contact", "contact { email \"ada@example.org\", allows ${1:topic} }"],
        "Says who the contact is: its fields, `tags [\"customer\"]`, and which topics it allows.",
        "contact { email \"ada@example.org\", country \"DE\", allows newsletter }",
    ),
    Test.word(
        "contact_allows",
        ["allows", "allows ${1:topic}"],
        "Lets the contact of the test allow a topic.",
        "contact { email \"ada@example.org\", allows newsletter }",
    ),
    Test.word(
        "at_moment",
        ["at", "at ${1:2027-03-01 10:00} event ${2:event}"],
        "Says when the step happens, on the clock of the journey.",
        "at 2027-03-01 10:00 event newsletter_signup",
    ),
    Test.word(
        "after_length",
        ["after", "after ${1:2} days ${2:nothing}"],
        "Says how long after the step before it happens.",
        "after 1 day nothing",
    ),
    Test.word(
        "do_event",
        ["event", "event ${1:event} { ${2:field} ${3:value} }"],
        "The contact does something.",
        "at 2027-03-01 10:00 event newsletter_signup { source \"fair\" }",
    ),
    Test.word(
        "do_click",
        ["click", "click ${1:message}"],
        "The contact follows a link of the message; `click NAME \"link\"` means one of them.",
        "after 1 day click welcome",
    ),
    Test.word(
        "do_open",
        ["open", "open ${1:message}"],
        "The contact opens the message.",
        "after 1 day open welcome",
    ),
    Test.word(
        "do_bounce",
        ["bounce", "bounce ${1:message}"],
        "The message comes back.",
        "after 1 day bounce welcome",
    ),
    Test.word(
        "do_complain",
        ["complain", "complain ${1:message}"],
        "The contact reports the message as spam.",
        "after 1 day complain welcome",
    ),
    Test.word(
        "do_answer",
        ["answer", "answer ${1:survey} ${2:9}"],
        "The contact answers the survey with that score.",
        "after 1 day answer satisfaction 9",
    ),
    Test.word(
        "do_reply",
        ["reply", "reply ${1:webhook} { ${2:field} ${3:value} }"],
        "The webhook answers.",
        "reply erp { tier \"gold\" }",
    ),
    Test.word("do_accept", ["accept", "accept"], "Sales takes the lead.", "after 1 day accept"),
    Test.word("do_reject", ["reject", "reject"], "Sales does not take the lead.", "after 1 day reject"),
    Test.word(
        "do_set",
        ["set", "set contact.${1:field} = ${2:value}"],
        "Another program changes the contact.",
        "after 1 day set contact.score = 60",
    ),
    Test.word("do_enter", ["enter", "enter"], "The contact enters by request.", "at 2027-03-01 10:00 enter"),
    Test.word("do_nothing", ["nothing", "nothing"], "Time passes.", "after 3 days nothing"),
    Test.word("held_out", ["held out", "held out"], "Puts the contact in the control group.", "held out"),
    Test.word(
        "test_variant",
        ["variant", "variant ${1:experiment} ${2:variant}"],
        "Lets the contact fall to that variant of an experiment.",
        "variant timing later",
    ),
    Test.word(
        "allow_other",
        ["allow other messages", "allow other messages"],
        "Lets messages come that no line expects.",
        "allow other messages",
    ),
    Test.word(
        "expectation",
        ["expect", "expect email ${1:message}"],
        "Says what must be so after the steps above.",
        "expect email welcome",
    ),
    Test.word(
        "expect_message",
        ["email", "email ${1:message}"],
        "The message has come, once for each such line.",
        "expect email welcome",
    )
    .behind("expectation", "expect"),
    Test.word(
        "sent_at",
        ["sent at", "sent at ${1:2027-03-01 10:00}"],
        "Says when the message came.",
        "expect email welcome sent at 2027-03-01 10:00",
    ),
    Test.word(
        "expect_no",
        ["no", "no ${1:email}"],
        "No message has come: none of that channel, or not that one.",
        "expect no email receipt",
    )
    .behind("expectation", "expect"),
    Test.word(
        "expect_stage",
        ["stage", "stage ${1:stage}"],
        "The contact is in that stage.",
        "expect stage first",
    )
    .behind("expectation", "expect"),
    Test.word(
        "expect_goal",
        ["goal", "goal ${1:goal}"],
        "The goal is reached.",
        "expect goal purchase worth 49.90",
    )
    .behind("expectation", "expect"),
    Test.word(
        "expect_outcome",
        ["outcome", "outcome ${1:outcome}"],
        "The contact has left so.",
        "expect outcome bought",
    )
    .behind("expectation", "expect"),
    Test.word(
        "expect_handoff",
        ["handoff", "handoff ${1:team}"],
        "The lead was handed off to that team, with these values.",
        "expect handoff sales { reason \"hot lead\" }",
    )
    .behind("expectation", "expect"),
    Test.word(
        "expect_call",
        ["call", "call ${1:webhook}"],
        "The webhook was called, with these values.",
        "expect call erp",
    )
    .behind("expectation", "expect"),
    Test.word(
        "expect_skipped",
        [
            "skipped",
            "skipped ${1:message} because ${2|no_permission,no_address,suppressed,late,capped,holdout|}",
        ],
        "The message was not sent, for that reason.",
        "expect skipped welcome because no_permission",
    )
    .behind("expectation", "expect"),
    Test.word(
        "expect_contact",
        ["contact.", "contact.${1:field} == ${2:value}"],
        "The field has this value.",
        "expect contact.score == 10",
    )
    .behind("expectation", "expect"),
];
