use super::Place::{Fields, File, Message, Survey};
use super::Word;

/// What stands at the top of a file, and in what is declared there.
pub(super) const WORDS: &[Word] = &[
    File.word(
        "journey_declaration",
        ["journey", "journey ${1:name} \"${2:What people call it}\" {\n  owner      \"${3:you@example.com}\"\n  enter      on ${4:event}\n  permission ${5:topic}\n  goal       ${6:goal} on ${7:event} within ${8:30} days\n  control    10%\n\n  stage ${9:hello} {\n    $0\n  }\n}"],
        "Declares a journey: who enters and what counts as success first, then the stages one after the other.",
        "journey hello \"Hello\" {\n  enter on newsletter_signup\n  stage first { send email welcome  end }\n}",
    ),
    File.word(
        "message_declaration",
        ["email", "email ${1:name} {\n  topic   ${2:topic}\n  from    ${3:sender}\n  subject \"${4:Subject}\"\n  body    \"\"\"\n    ${5:Hello!}\n\n    No more of this: {{ unsubscribe_url }}\n    \"\"\"\n}"],
        "Declares an email: its topic, its sender, its subject, and a template or the text itself.",
        "email hello {\n  topic   newsletter\n  from    marketing\n  subject \"Hello\"\n  body    \"Good to see you. No more of this: {{ unsubscribe_url }}\"\n}",
    ),
    File.word(
        "test_declaration",
        ["test", "test \"${1:what it shows}\" for ${2:journey} {\n  contact { email \"ada@example.org\", allows ${3:topic} }\n  at ${4:2027-03-01 10:00} event ${5:event}\n  expect email ${6:message}\n  $0\n}"],
        "Plays a journey in virtual time and says what is expected: `lotse test` runs it.",
        "test \"who signs up is greeted\" for greeting {\n  contact { email \"ada@example.org\", allows newsletter }\n  at 2027-03-01 10:00 event newsletter_signup\n  expect email welcome\n}",
    ),
    File.word(
        "contact_declaration",
        ["contact", "contact {\n  ${1:first_name} ${2:text}\n  $0\n}"],
        "Says what is known about people: one field a line, with its type. Every contact has `id`, `email`, `phone`, `timezone`, `language`, `created_at` and `tags` anyway.",
        "contact {\n  first_name text\n  country    text one of [\"DE\", \"AT\", \"CH\"]\n  score      number = 0\n}",
    ),
    File.word(
        "event_declaration",
        ["event", "event ${1:name} {\n  ${2:field} ${3:text}\n}"],
        "Declares something that people do and your systems report, with its fields. A text behind the name says what your systems call it.",
        "event order_shipped \"Order Shipped\" {\n  order_id text\n  total    number\n}",
    ),
    File.word(
        "topic_declaration",
        ["topic", "topic ${1:name} \"${2:What recipients read}\""],
        "Declares what a contact can allow and refuse. Messages of a topic go only to people who have allowed it; an `essential` one needs no permission.",
        "topic offers \"News and offers\"\ntopic orders \"About your orders\" essential",
    ),
    File.word(
        "k_essential",
        ["essential", "essential"],
        "Says that messages of the topic need no permission and cannot be refused: for what people must know about their own orders, never for offers.",
        "topic orders \"About your orders\" essential",
    ),
    File.word(
        "segment_declaration",
        ["segment", "segment ${1:name} = ${2:contact.score >= 50}"],
        "Gives a condition about contacts a name, to be asked for with `in segment`.",
        "segment buyers = count(order_placed in last 365 days) >= 3",
    ),
    File.word(
        "measure_declaration",
        ["measure", "measure ${1:name} = sum(${2:event}.${3:field})"],
        "Gives a number or a moment a name, for any expression.",
        "measure lifetime_value = sum(order_placed.total)",
    ),
    File.word(
        "survey_declaration",
        ["survey", "survey ${1:name} \"${2:How likely are you to recommend us?}\" {\n  scale   0 to 10\n  comment \"${3:What could we do better?}\"\n}"],
        "Declares a survey with a page of its own. A message leads to it with `{{ survey_url(\"name\") }}`.",
        "survey delivery \"Did everything arrive well?\" {\n  scale   0 to 10\n  comment \"What could we do better?\"\n}",
    ),
    File.word(
        "policy_declaration",
        ["policy", "policy {\n  quiet ${1:21:00} to ${2:08:00}\n  cap   any ${3:3} per ${4:7} days then wait up to ${5:2} days\n}"],
        "Says what holds for the messages of every journey: quiet hours and how many there may be. A workspace has one.",
        "policy {\n  quiet 21:00 to 08:00\n  cap   email 3 per 7 days then wait up to 2 days\n}",
    ),
    Fields.word(
        "list_type",
        ["list of", "list of ${1:text}"],
        "Holds several values of a type.",
        "interests list of text",
    )
    .behind("field_type", ""),
    Fields.word(
        "one_of",
        ["one of", "one of [\"${1:first}\", \"${2:second}\"]"],
        "Says the only values that a field can have.",
        "tier text one of [\"gold\", \"silver\"]",
    ),
    Fields.word("default", ["=", "= ${1:0}"], "Says what a field is when nobody has set it.", "points number = 0"),
    Fields.word("field_type", ["text", "text"], "Text of any length.", "city text"),
    Fields.word("field_type", ["number", "number"], "A number, whole or not.", "points number = 0"),
    Fields.word("field_type", ["boolean", "boolean"], "Yes or no.", "member boolean = false"),
    Fields.word("field_type", ["date", "date"], "A day of the calendar.", "moved_in date"),
    Fields.word("field_type", ["datetime", "datetime"], "A moment: a day and a time.", "called_at datetime"),
    Message.word(
        "message_setting",
        ["topic", "topic ${1:topic}"],
        "Says what the message is about: the contact must have allowed it. Where it is left out, the `permission` of the journey counts.",
        "topic newsletter",
    ),
    Message.word("message_setting", ["from", "from ${1:sender}"], "Says who writes: a sender of `lotse.yaml`.", "from marketing"),
    Message.word(
        "message_setting",
        ["subject", "subject \"${1:Subject}\""],
        "The subject of the email, a template: `{{ contact.first_name | default('Hello') }}`.",
        "subject \"{{ contact.first_name | default('Hello') }}, spring is here\"",
    ),
    Message.word(
        "message_setting",
        ["preheader", "preheader \"${1:What inboxes show behind the subject}\""],
        "What inboxes show behind the subject, a template.",
        "preheader \"20 % off until Sunday\"",
    ),
    Message.word(
        "message_setting",
        ["template", "template \"${1:emails/name.mjml}\""],
        "The file of the body: a path in the workspace that ends in `.mjml`, `.html` or `.txt`.",
        "template \"emails/welcome.mjml\"",
    ),
    Message.word(
        "message_setting",
        ["body", "body \"\"\"\n  ${1:Hello!}\n  \"\"\""],
        "The text of the email itself, instead of a template.",
        "body \"\"\"\n  Hello {{ contact.first_name | default('there') }}!\n  No more of this: {{ unsubscribe_url }}\n  \"\"\"",
    ),
    Message.word("message_setting", ["title", "title \"${1:Title}\""], "The title of the message, for channels that show one.", "title \"Your parcel\""),
    Message.word("message_setting", ["text", "text \"${1:Text}\""], "The text of a message of another channel than email, a template.", "text \"Your parcel arrives today.\""),
    Message.word(
        "message_utm",
        ["utm", "utm { campaign \"${1:name}\" }"],
        "What is added to links, so that your web analytics know where visitors come from.",
        "utm { source \"newsletter\", campaign \"spring27\" }",
    ),
    Message.word(
        "message_language",
        ["in", "in \"${1:de}\" {\n  subject \"${2:Subject}\"\n}"],
        "Says what is different for contacts with that `language`.",
        "in \"de\" { subject \"Der Frühling ist da\" }",
    ),
    Survey.word("survey_scale", ["scale", "scale ${1:0} to ${2:10}"], "The lowest and the highest score.", "scale 0 to 10"),
    Survey.word("survey_comment", ["comment", "comment \"${1:What could we do better?}\""], "Asks for words beside the score.", "comment \"What could we do better?\""),
];
