; Which of two that fit wins, editors say differently: here no two fit one place. Where a place has two names, the first
; is for Helix, and the last, which wins, for the others.

(comment) @comment

(text) @string
(escape) @constant.character.escape @string.escape

(number) @constant.numeric @number
(share) @constant.numeric @number
(clock_time) @constant.numeric @number
(date) @constant.numeric @number
(boolean) @constant.builtin.boolean @boolean
(unit) @type.builtin
(weekday) @constant.builtin

(scope) @variable.builtin
(field name: (name) @variable.other.member @property)
(field_declaration name: (name) @variable.other.member @property)
(field_type) @type
(pair key: (name) @variable.other.member @property)
(message_setting key: (name) @variable.other.member @property)
(message_setting value: (name) @constant)

(stop) @keyword
(reaction_kind) @function.builtin
(function) @function.builtin
(today) @function.builtin
(now) @function.builtin
(aggregate field: (name) @variable.other.member @property)
(reference (name) @variable)

(event_declaration name: (name) @type)
(topic_declaration name: (name) @constant)
(measure_declaration name: (name) @variable)
(segment_declaration name: (name) @variable)
(survey_declaration name: (name) @function)
(journey_declaration name: (name) @function)
(message_declaration name: (name) @function)
(stage name: (name) @label)
(experiment name: (name) @label)
(variant name: (name) @label)

(_ stage: (name) @label)
(_ outcome: (name) @constant)
(_ event: (name) @type)
(_ topic: (name) @constant)
(_ journey: (name) @function)
(_ message: (name) @function)
(_ channel: (name) @type.builtin)
(_ segment: (name) @variable)
(_ webhook: (name) @constant)
(_ team: (name) @constant)
(_ goal: (name) @constant)
(_ experiment: (name) @label)
(_ variant: (name) @label)
(_ survey: (name) @function)
(_ reason: (name) @constant)
(on_change_clause value: (name) @constant)
(unsure_clause value: (name) @constant)
(per (name) @variable.other.member @property)
(goal_clause name: (name) @constant)

["{" "}" "[" "]" "(" ")"] @punctuation.bracket
["," "."] @punctuation.delimiter
["=" "==" "!=" "<" "<=" ">" ">=" "+" "-" "*" "/"] @operator

["and" "contains" "ends with" "in" "is" "not" "or" "since" "starts with"] @keyword.operator

; What follows is written by build.mjs from the grammar.
[
  "accept"
  "add"
  "after"
  "alert"
  "allow"
  "allows"
  "always"
  "answer"
  "as"
  "at"
  "backfill"
  "because"
  "before"
  "best"
  "bounce"
  "business"
  "by"
  "call"
  "cap"
  "change"
  "clear"
  "click"
  "comment"
  "complain"
  "control"
  "cron"
  "else"
  "end"
  "enter"
  "essential"
  "every"
  "expect"
  "experiment"
  "first"
  "for"
  "go"
  "goal"
  "hand"
  "handoff"
  "has"
  "held"
  "holdout"
  "if"
  "into"
  "journey"
  "last"
  "late"
  "leave"
  "measure"
  "messages"
  "never"
  "no"
  "nothing"
  "off"
  "on"
  "one"
  "open"
  "other"
  "otherwise"
  "out"
  "outcome"
  "owner"
  "per"
  "permission"
  "pick"
  "policy"
  "priority"
  "quiet"
  "record"
  "reenter"
  "refuse"
  "reject"
  "repeat"
  "request"
  "scale"
  "segment"
  "send"
  "sent"
  "set"
  "skip"
  "skipped"
  "stage"
  "start"
  "survey"
  "tag"
  "test"
  "then"
  "time"
  "times"
  "timezone"
  "to"
  "topic"
  "unsure"
  "untag"
  "until"
  "up"
  "utm"
  "variant"
  "wait"
  "when"
  "where"
  "within"
  "without"
  "worth"
  "yearly"
] @keyword
(contact_declaration ["contact"] @keyword)
(event_declaration ["event"] @keyword)
(one_of ["of"] @keyword)
(enter_clause ["day" "month"] @keyword)
(timezone_clause ["contact"] @keyword)
(send ["of"] @keyword)
(wait ["day" "days"] @keyword)
(test_contact ["contact"] @keyword)
(step ["event" "reply"] @keyword)
