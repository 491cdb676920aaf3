use super::Place::{Condition, Policy};
use super::{Place, Word};

const fn word(
    rule: &'static str,
    names: [&'static str; 2],
    what: &'static str,
    example: &'static str,
) -> Word {
    Word::new(Place::Head, rule, names, what, example)
}

/// What stands at the head of a journey, and in the policy.
pub(super) const WORDS: &[Word] = &[
    word("stage", ["stage", "stage ${1:name} {\n  $0\n}"], "A part of the journey with a name to go to. A contact begins at the first one.", "stage contact_them { send email welcome  end }"),
    word("enter_clause", ["enter", "enter on ${1:event}"], "Says how contacts get in. A journey may have several ways.", "enter on newsletter_signup where contact.country == \"DE\""),
    word("enter_on", ["on", "on ${1:event}"], "Lets contacts enter at that event; `where` says which.", "enter on newsletter_signup where contact.country == \"DE\"").behind("enter_clause", "enter"),
    word("enter_when", ["when", "when ${1:contact.score >= 50}"], "Lets contacts enter when it becomes true, be it by a change or by time passing. With `backfill` also everybody for whom it is true already.", "enter when contact.score >= 50 backfill").behind("enter_clause", "enter"),
    word("enter_every", ["every", "every ${1:day} at ${2:09:00}"], "Lets contacts enter again and again, at a time of the calendar. Behind it `where` says who.", "enter every monday at 09:00 where contact.vip").behind("enter_clause", "enter"),
    word("every_month", ["month on", "month on ${1:1} at ${2:09:00}"], "On that day of each month; 29, 30 and 31 mean the last day of a shorter one.", "enter every month on 1 at 09:00"),
    word("every_day", ["day", "day at ${1:09:00}"], "On each day.", "enter every day at 09:00"),
    word("every_cron", ["cron", "cron \"${1:0 9 * * MON-FRI}\""], "At the times of a crontab pattern: minute, hour, day of the month, month, day of the week.", "enter every cron \"0 9 * * MON-FRI\""),
    word("enter_relative", ["3 days before", "${1:3 days} before contact.${2:field} at ${3:09:00}"], "Lets contacts enter that long before or after a date of theirs.", "enter 3 days before contact.renewal_date at 09:00").behind("enter_clause", "enter"),
    word("enter_on_date", ["on contact.", "on contact.${1:field} at ${2:09:00}"], "Lets contacts enter on a date of theirs.", "enter on contact.renewal_date at 09:00").behind("enter_clause", "enter"),
    word("enter_yearly", ["yearly on", "yearly on contact.${1:field} at ${2:09:00}"], "Lets contacts enter every year on the day and month of a date.", "enter yearly on contact.birthday at 09:00").behind("enter_clause", "enter"),
    word("enter_without", ["after 90 days without", "after ${1:90 days} without ${2:event}"], "Lets contacts enter who have had no such event for that long.", "enter after 90 days without order_placed").behind("enter_clause", "enter"),
    word("enter_request", ["by request", "by request"], "Lets contacts enter when a program or the command line asks for it.", "enter by request").behind("enter_clause", "enter"),
    word("k_backfill", ["backfill", "backfill"], "Lets everybody enter for whom it is true already when the journey is deployed.", "enter when contact.score >= 50 backfill"),
    word(
        "where_part",
        ["where", "where ${1:contact.score >= 50}"],
        "Says which: only what the condition holds for counts.",
        "contact.country == \"DE\"",
    )
    .at(Condition),
    word("per", ["per", "per event.${1:field}"], "Lets a contact be inside once for each value of a field of the event, such as each order.", "enter on order_placed per event.order_id"),
    word("into", ["into", "into ${1:stage}"], "Begins at that stage instead of the first one.", "enter by request into second"),
    word("at_time", ["at", "at ${1:09:00}"], "Says the time of that day; midnight where it is left out.", "enter yearly on contact.birthday at 09:00"),
    word("reenter_clause", ["reenter", "reenter ${1|never,always,after 90 days|}"], "Says whether somebody who has left may enter again; `never` where it is left out. Nobody is inside twice at a time.", "reenter after 90 days"),
    word("starts_clause", ["starts", "starts ${1:2027-03-01}"], "Lets nobody enter before.", "starts 2027-03-01"),
    word("ends_clause", ["ends", "ends ${1:2027-12-31}"], "Lets nobody enter afterwards; those who are inside go on.", "ends 2027-12-31 18:00"),
    word("owner_clause", ["owner", "owner \"${1:you@example.com}\""], "Says whom to ask about this journey.", "owner \"crm@example.com\""),
    word("permission_clause", ["permission", "permission ${1:topic}"], "The topic of messages that name none. Who has not allowed it does not enter.", "permission newsletter"),
    word("goal_clause", ["goal", "goal ${1:name} on ${2:event} within ${3:30 days}"], "Says what counts as success, from entry on. The first goal is the main one.", "goal purchase on order_placed where event.total >= 20 within 30 days worth event.total"),
    word("within", ["within", "within ${1:30 days}"], "Counts success only that long after entry.", "goal purchase on order_placed within 30 days"),
    word("worth", ["worth", "worth ${1:event.total}"], "Says what a success is worth.", "goal purchase on order_placed worth event.total"),
    word("leave_clause", ["leave", "leave on ${1:event}"], "Makes contacts leave at once, whatever they wait for.", "leave on unsubscribed where event.topic == \"newsletter\""),
    word("leave_on", ["on", "on ${1:event}"], "Makes contacts leave at that event.", "leave on unsubscribed").behind("leave_clause", "leave"),
    word("leave_on_goal", ["on goal", "on goal"], "Makes contacts leave who have reached the goal.", "goal purchase on order_placed\nleave on goal purchase").behind("leave_clause", "leave"),
    word("leave_when", ["when", "when ${1:contact.vip}"], "Makes contacts leave for whom it becomes true.", "leave when contact.vip").behind("leave_clause", "leave"),
    word("control_clause", ["control", "control ${1:10%}"], "Only measures this share: no stage runs for it, so you see what people do without the journey.", "control 10%"),
    word("priority_clause", ["priority", "priority ${1:50}"], "Says which journey goes first when a cap leaves room for one message: from 1 to 100, the higher.", "priority 30"),
    word("timezone_clause", ["timezone", "timezone ${1:contact}"], "Says whose clock counts: the contact's, or a place's.", "timezone \"Europe/Berlin\""),
    word("on_change_clause", ["on change", "on change ${1|move,finish|}"], "Says what a new version does to those who are inside: they `finish` the old one, or `move` into the new.", "on change move"),
    word("quiet_clause", ["quiet", "quiet ${1:21:00} to ${2:08:00}"], "Lets nothing be sent between these times of the contact's own clock: messages wait until it is over.", "quiet 21:00 to 08:00").at(Policy),
    word(
        "cap_clause",
        ["cap", "cap ${1:any} ${2:3} per ${3:7 days} then wait up to ${4:2 days}"],
        "Limits how many messages of a channel, or of `any`, a contact gets in that time, whatever the journeys.",
        "cap email 3 per 7 days then wait up to 2 days",
    )
    .at(Policy),
    word("cap_then", ["then wait", "then wait up to ${1:2 days}"], "Lets a message over the cap wait for the first moment at which there is room.", "cap email 3 per 7 days then wait up to 2 days").at(Policy),
    word("cap_then", ["then skip", "then skip"], "Leaves a message over the cap out at once.", "cap any 2 per 1 day then skip").at(Policy),
    word("late_clause", ["late", "late ${1:24 hours}"], "Skips what was due longer ago than that, so that an outage ends without a flood of old mail.", "late 24 hours").at(Policy),
    word("holdout_clause", ["holdout", "holdout ${1:2%}"], "Gives this share of your contacts no marketing of any journey, so that you see what all of it together brings.", "holdout 2%").at(Policy),
    word(
        "unsure_clause",
        ["unsure", "unsure ${1|hold,resend|}"],
        "Says what becomes of a mail when nobody can say whether the mail server took it: it is listed for somebody to look at (`hold`), or sent once more (`resend`).",
        "unsure hold",
    )
    .at(Policy),
];
