use super::*;
use crate::domain::{
    Arm, Attributes, Call, CallId, CallKind, CallState, EventId, EventKind, Message, MessageId, MessageState,
    RunState, SkipReason, id_of_step,
};
use crate::language::check::check;
use crate::language::plan::compile;
use crate::source::WorkspaceFiles;
use crate::store::{Deployment, StoredVersion, TallyRow};

const JOURNEY: &str = "
    policy { quiet 21:00 to 08:00  cap any 1 per 1 day }
    event signup { }
    topic news \"News\"
    email hello { topic news  from m  subject \"Hi\"  body \"Hi {{ unsubscribe_url }}\" }
    journey j { enter on signup  permission news stage s { send email hello  wait 5 days  end } }";

fn at(seconds: i64) -> Moment {
    // Nine in the morning.
    Moment::from_seconds(1_800_003_600).plus_seconds(seconds)
}

fn versions() -> Vec<StoredVersion> {
    let files = WorkspaceFiles::from_texts([("a.journey", JOURNEY)]);
    let checked = check(&files, None);
    assert!(!checked.has_errors(), "{:#?}", checked.findings);
    let plan = compile(&checked.model.journeys[0], &checked, &files.sources).unwrap();
    vec![StoredVersion { number: 1, journey: "j".to_owned(), plan: Ok(plan), active: true }]
}

fn run_of(contact: ContactId, entered: i64) -> Run {
    Run {
        id: RunId(crate::domain::IdHasher::new("run").finish(at(entered))),
        contact,
        journey: "j".to_owned(),
        version: 1,
        key: String::new(),
        arm: Arm::Treated,
        place: 1,
        turn: 1,
        steps: 3,
        entered_at: at(entered),
        wake_at: Some(at(entered + 500)),
        goal_until: None,
        ended_at: None,
        outcome: None,
        state: RunState::default(),
    }
}

fn accepted(run: &Run, step: u32, second: i64) -> StoredMessage {
    StoredMessage {
        message: Message {
            id: MessageId(id_of_step("message", run.id, step, at(second))),
            contact: run.contact,
            run: run.id,
            journey: run.journey.clone(),
            version: 1,
            place: 1,
            step,
            channel: "email".to_owned(),
            message: "hello".to_owned(),
            topic: "news".to_owned(),
            essential: false,
            address: "ada@example.org".to_owned(),
            with: Attributes::new(),
            state: MessageState::Accepted,
            reason: None,
            decided_at: at(second),
            wanted_at: at(second),
        },
        attempts: 1,
        due_at: None,
        handed_over_at: Some(at(second + 1)),
        settled_at: Some(at(second + 2)),
        answer: Some("250 OK".to_owned()),
        resent_at: None,
        opened_at: None,
        clicked_at: None,
        timezone: None,
    }
}

fn delivered(run: &Run, step: u32) -> StoredCall {
    StoredCall {
        call: Call {
            id: CallId(id_of_step("call", run.id, step, at(0))),
            contact: run.contact,
            run: run.id,
            journey: run.journey.clone(),
            version: 1,
            place: 1,
            step,
            stage: "s".to_owned(),
            kind: CallKind::HandOff,
            target: "sales".to_owned(),
            with: Attributes::new(),
            assigned_to: None,
            decided_at: at(0),
        },
        state: CallState::Delivered,
        attempts: 1,
        due_at: None,
        settled_at: Some(at(1)),
        status: Some(200),
        answer: None,
        accepted: Some(true),
    }
}

/// Somebody of whom everything is in order.
fn book() -> Book {
    let contact = Contact::new(ContactId::default(), at(0));
    let run = run_of(contact.id, 0);
    let decision = |at, allowed| Permission {
        contact: contact.id,
        topic: "news".to_owned(),
        allowed,
        at,
        source: "form".to_owned(),
        wording: None,
        proof: None,
    };
    let steps = Steps { count: 3, first: 0, last: 2, latest: at(5) };
    Book {
        permissions: vec![decision(at(-10), true)],
        pending: Vec::new(),
        steps: [(run.id, steps)].into(),
        messages: vec![accepted(&run, 1, 5)],
        calls: vec![delivered(&run, 2)],
        goals: Vec::new(),
        suppressed: BTreeMap::new(),
        runs: vec![run],
        contact,
    }
}

fn broken(book: &Book) -> Vec<Rule> {
    broken_of(book, &[])
}

fn broken_of(book: &Book, merged: &[ContactId]) -> Vec<Rule> {
    let deployments = vec![Deployment { journey: "j".to_owned(), at: at(-9_999), version: Some(1) }];
    let zone = TimeZone::UTC;
    let pace = Pace::new(Some(versions()), deployments, &zone);
    let mut auditor = Auditor::default();
    at_work(&mut auditor);
    auditor.book(book, &pace, &merged.iter().copied().collect());
    auditor.finish(false).broken.iter().map(|breach| breach.rule).collect()
}

/// Something was done every hour of the days before.
fn at_work(auditor: &mut Auditor) {
    (-30..0).for_each(|hour| auditor.waiting.was_done(at(hour * 3_600)));
}

/// Each rule has something here that breaks it, and that alone.
#[test]
fn each_rule_is_broken_by_what_it_is_about() {
    type Break = fn(&mut Book);
    let cases: Vec<(Rule, Break)> = vec![
        (Rule::EndsHaveOutcomes, |book| book.runs[0].outcome = Some("done".to_owned())),
        (Rule::EndsHaveOutcomes, |book| {
            book.runs[0].ended_at = Some(at(9));
            book.runs[0].wake_at = None;
        }),
        (Rule::EndedRunsRest, |book| {
            book.runs[0].ended_at = Some(at(9));
            book.runs[0].outcome = Some("done".to_owned());
        }),
        (Rule::LiveRunsWake, |book| book.runs[0].wake_at = None),
        (Rule::InsideOnce, |book| {
            let twice = run_of(book.contact.id, 1);
            book.steps.insert(twice.id, book.steps[&book.runs[0].id]);
            book.runs.push(twice);
        }),
        (Rule::VersionsAreThere, |book| book.runs[0].version = 2),
        (Rule::VersionsAreThere, |book| book.runs[0].place = 99),
        (Rule::HistoryIsWhole, |book| book.runs[0].steps = 4),
        (Rule::HistoryIsWhole, |book| book.steps.values_mut().for_each(|steps| steps.count = 2)),
        (Rule::HistoryIsWhole, |book| book.steps.clear()),
        (Rule::EventsAreLookedAt, |book| {
            let (id, contact) = (EventId::default(), book.contact.id);
            book.pending.push(Event {
                id,
                contact,
                kind: EventKind::Track,
                name: "bought".to_owned(),
                at: at(-300),
                received_at: at(-300),
                run: None,
                depth: 0,
                properties: Attributes::new(),
            });
        }),
        (Rule::GoalsHaveRuns, |book| {
            book.goals.push(GoalReached {
                run: RunId::default(),
                contact: book.contact.id,
                journey: "j".to_owned(),
                version: 1,
                arm: Arm::Treated,
                goal: "buy".to_owned(),
                at: at(3),
                worth: None,
                event: EventId::default(),
            });
        }),
        (Rule::MessagesHaveRuns, |book| book.messages[0].message.journey = "other".to_owned()),
        (Rule::MessagesHaveRuns, |book| book.messages[0].message.message = "other".to_owned()),
        (Rule::MessagesAreOnce, |book| {
            let mut twice = book.messages[0].clone();
            twice.message.state = MessageState::Refused;
            book.messages.push(twice);
        }),
        (Rule::MessagesAreOnce, |book| book.messages[0].message.step = 2),
        (Rule::MessageStatesFit, |book| book.messages[0].message.state = MessageState::Decided),
        (Rule::MessageStatesFit, |book| book.messages[0].settled_at = None),
        (Rule::MessageStatesFit, |book| book.messages[0].message.reason = Some(SkipReason::Late)),
        (Rule::MessageStatesFit, |book| book.messages[0].message.state = MessageState::Skipped),
        (Rule::MessageStatesFit, |book| book.messages[0].attempts = 0),
        (Rule::MeasuredGetNothing, |book| {
            book.runs[0].arm = Arm::Holdout;
            book.calls.clear();
        }),
        (Rule::MeasuredGetNothing, |book| {
            book.runs[0].arm = Arm::Control;
            book.messages.clear();
        }),
        (Rule::RefusalsHold, |book| {
            let refusal = Permission { at: at(5), allowed: false, ..book.permissions[0].clone() };
            book.permissions.push(refusal);
        }),
        (Rule::SuppressionsHold, |book| book.suppressed = [("ada@example.org".to_owned(), at(5))].into()),
        (Rule::CapsHold, |book| {
            let again = accepted(&book.runs[0], 0, 3_600);
            book.messages.push(again);
        }),
        (Rule::QuietHoursHold, |book| book.messages[0].handed_over_at = Some(at(12 * 3_600 + 1))),
        (Rule::QuietHoursHold, |book| {
            // One in the night there, and nine in the morning here.
            book.messages[0].timezone = Some("America/Los_Angeles".to_owned());
        }),
        (Rule::DueIsDone, |book| book.runs[0].wake_at = Some(at(-90_000))),
        (Rule::DueIsDone, |book| {
            book.messages[0].message.state = MessageState::Decided;
            book.messages[0].due_at = Some(at(-90_000));
        }),
        (Rule::DueIsDone, |book| {
            book.calls[0].state = CallState::Pending;
            book.calls[0].due_at = Some(at(-90_000));
        }),
        (Rule::HandOversEnd, |book| {
            book.messages[0].message.state = MessageState::HandedOver;
            book.steps.values_mut().for_each(|steps| steps.latest = at(5_000));
        }),
        (Rule::CallsHaveRuns, |book| book.calls[0].call.journey = "other".to_owned()),
        (Rule::CallsAreOnce, |book| book.calls[0].call.step = 1),
        (Rule::CallStatesFit, |book| book.calls[0].state = CallState::Pending),
        (Rule::CallStatesFit, |book| book.calls[0].settled_at = None),
        (Rule::AnswersHaveLeads, |book| book.calls[0].call.kind = CallKind::Alert),
    ];
    assert_eq!(broken(&book()), []);
    for (number, (rule, breaks)) in cases.iter().enumerate() {
        let mut book = book();
        breaks(&mut book);
        assert_eq!(broken(&book), [*rule], "case {number}");
    }
    let elsewhere = [Rule::NothingIsStray, Rule::CountsFit, Rule::RowsAreReadable];
    let tried: BTreeSet<Rule> = cases.iter().map(|(rule, _)| *rule).chain(elsewhere).collect();
    assert_eq!(tried, Rule::ALL.iter().copied().collect());
}

#[test]
fn what_is_in_order_is_not_reported() {
    type Change = fn(&mut Book);
    let cases: Vec<(&str, Change)> = vec![
        ("a refusal after the hand-over", |book| {
            let refusal = Permission { at: at(7), allowed: false, ..book.permissions[0].clone() };
            book.permissions.push(refusal);
        }),
        ("a suppression after the hand-over", |book| {
            book.suppressed.insert("ada@example.org".to_owned(), at(7));
        }),
        ("a message a day later", |book| {
            let again = accepted(&book.runs[0], 0, 86_400 + 5);
            book.messages.push(again);
        }),
        ("a refused message is not counted", |book| {
            let mut refused = accepted(&book.runs[0], 0, 30);
            refused.message.state = MessageState::Refused;
            book.messages.push(refused);
        }),
        ("quiet hours of a contact who has another clock since", |book| {
            book.contact.timezone = Some("America/Los_Angeles".to_owned());
        }),
        ("a day for whoever has a clock on which it is one", |book| {
            book.messages[0].timezone = Some("America/Los_Angeles".to_owned());
            book.messages[0].handed_over_at = Some(at(13 * 3_600));
        }),
        ("what is due and a little late", |book| book.runs[0].wake_at = Some(at(-80_000))),
        ("what is being handed over", |book| {
            book.messages[0].message.state = MessageState::HandedOver;
            book.messages[0].settled_at = None;
        }),
        ("an event that has just come", |book| book.steps.values_mut().for_each(|steps| steps.first = 0)),
        ("a held run waits for nothing", |book| {
            book.runs[0].wake_at = None;
            book.runs[0].state.held = Some("why".to_owned());
        }),
    ];
    for (what, change) in cases {
        let mut book = book();
        change(&mut book);
        assert_eq!(broken(&book), [], "{what}");
    }
    let mut merged = book();
    let refusal = Permission { at: at(5), allowed: false, ..merged.permissions[0].clone() };
    merged.permissions.push(refusal);
    merged.messages.push(accepted(&merged.runs[0], 0, 60));
    assert_eq!(broken_of(&merged, &[merged.contact.id]), [], "whose it was, nobody knows");
}

#[test]
fn counts_that_differ_are_told() {
    let zone = TimeZone::UTC;
    let pace = Pace::new(Some(versions()), Vec::new(), &zone);
    let differences = |rows: &[TallyRow]| {
        let mut counts = Counts::default();
        counts.take(&book(), &pace);
        counts.differences(rows, &pace)
    };
    let row = |what: &str, detail: &str, count| TallyRow {
        journey: "j".to_owned(),
        version: 1,
        arm: "treated".to_owned(),
        day: 5,
        what: what.to_owned(),
        detail: detail.to_owned(),
        count,
        worth: 0.0,
    };
    let fitting =
        [row("entered", "", 1), row("sent", "hello", 1), row("hand_off", "sales", 1), row("reached", "s", 4)];
    assert_eq!(differences(&fitting), [""; 0]);
    let off =
        [row("entered", "", 2), row("sent", "hello", 1), row("goal", "buy", 1), row("hand_off", "sales", 1)];
    let told = [
        "`entered` of `j` (treated) is kept as 2, and counting gives 1",
        "`goal buy` of `j` (treated) is kept as 1, and counting gives 0",
    ];
    assert_eq!(differences(&off), told);
}

#[test]
fn a_breach_names_the_first() {
    let mut auditor = Auditor::default();
    for number in 0..7 {
        auditor.note(Rule::CapsHold, Some(ContactId::default()), format!("message {number}"));
    }
    let audit = auditor.finish(false);
    let text = audit.broken[0].to_string();
    let nobody = ContactId::default();
    assert!(
        text.starts_with(&format!(
            "7 messages were handed over beyond a cap that held then: message 0 of contact {nobody}, "
        )),
        "{text}"
    );
    assert!(text.ends_with(&format!("message 4 of contact {nobody} and 2 more")), "{text}");
}

#[test]
fn what_waits_while_everything_is_held_waits_as_it_should() {
    let mut book = book();
    book.messages[0].message.state = MessageState::Decided;
    book.messages[0].due_at = Some(at(-90_000));
    let broken = |is_held| {
        let mut auditor = Auditor::default();
        at_work(&mut auditor);
        auditor.waiting.take(&book);
        auditor.finish(is_held).broken.iter().map(|breach| breach.rule).collect::<Vec<_>>()
    };
    assert_eq!((broken(false), broken(true)), (vec![Rule::DueIsDone], vec![]));
}

/// Whoever was away for days has a day to catch up, and not one that was over when they came back.
#[test]
fn what_waited_while_nobody_was_at_work_is_not_passed_over() {
    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;
    let passed_over = |due: i64, done: &[i64]| {
        let mut book = book();
        book.runs[0].wake_at = Some(at(due));
        book.steps.clear();
        (book.messages, book.calls) = (Vec::new(), Vec::new());
        let mut auditor = Auditor::default();
        done.iter().for_each(|second| auditor.waiting.was_done(at(*second)));
        auditor.waiting.take(&book);
        let broken = auditor.finish(false).broken;
        broken.iter().any(|breach| breach.rule == Rule::DueIsDone)
    };
    let hourly = |from: i64, until: i64| (from..=until).map(|hour| hour * HOUR).collect::<Vec<i64>>();
    assert!(!passed_over(0, &[]));
    assert!(!passed_over(0, &hourly(0, 24)));
    assert!(passed_over(0, &hourly(0, 25)));
    // It came up after three days.
    assert!(!passed_over(0, &hourly(72, 73)));
    assert!(!passed_over(0, &[hourly(-9, 0), hourly(72, 89)].concat()));
    assert!(passed_over(0, &[hourly(-9, 0), hourly(72, 91)].concat()));
    // Little is done, and all the time.
    assert!(!passed_over(0, &[-DAY, DAY, 2 * DAY, 3 * DAY]));
    assert!(passed_over(0, &[-DAY, DAY, 2 * DAY, 3 * DAY, 4 * DAY, 5 * DAY]));
}
