//! The notation of the tables: one contact, and what happens to it at which moment.

use std::sync::Arc;

use serde_json::json;

use crate::domain::{ContactId, EventId, IdHasher, StepKind};
use crate::engine::*;
use crate::language::check::check;
use crate::language::plan::compile;
use crate::source::WorkspaceFiles;

const HEAD: &str = r#"
contact { score number = 10  country text  vip boolean  renewal date }
event signup { source text  order_id text }
event bought "Order Completed" { total number  order_id text }
event complaint { }
topic news "News"
topic account "Orders" essential
email hello { topic news  from m  subject "Hi"  body "Hi {{ unsubscribe_url }}" }
email again { topic news  from m  subject "Hi"  body "Hi {{ unsubscribe_url }}" }
survey nps "How likely?" { scale 0 to 10  comment "Why?" }
email asks { topic account  from m  subject "Hi"  body "{{ survey_url('nps') }}" }
email receipt { topic account  from m  subject "Hi"  body "Hi" }
"#;

/// A contact, its plans, and what the last moment led to.
pub(in crate::engine) struct Play {
    pub(in crate::engine) plans: Plans,
    pub(in crate::engine) state: ContactState,
    pub(in crate::engine) zone: TimeZone,
    pub(in crate::engine) arm: Option<Arm>,
    pub(in crate::engine) learned: Learned,
    pub(in crate::engine) last: Effects,
    pub(in crate::engine) count: u32,
}

impl Play {
    pub(in crate::engine) fn new(journeys: &str) -> Self {
        let text = format!("{HEAD}{journeys}");
        let files = WorkspaceFiles::from_texts([("a.journey", text.as_str())]);
        let checked = check(&files, None);
        assert!(!checked.has_errors(), "{:#?}", checked.findings);
        let mut plans = Plans::default();
        for (version, journey) in (1..).zip(&checked.model.journeys) {
            plans.add(version, Arc::new(compile(journey, &checked, &files.sources).unwrap()), true);
        }
        let id = ContactId(IdHasher::new("contact").part("ada").finish(Moment::from_seconds(0)));
        let mut contact = Contact::new(id, Moment::from_seconds(0));
        contact.email = Some("ada@example.org".to_owned());
        let mut state = ContactState::new(contact);
        state.permissions.insert("news".to_owned(), true);
        let zone = crate::time::zone("Europe/Berlin").unwrap();
        Self {
            plans,
            state,
            zone,
            arm: Some(Arm::Treated),
            learned: Learned::default(),
            last: Effects::default(),
            count: 0,
        }
    }

    pub(in crate::engine) fn at(&self, text: &str) -> Moment {
        let (date, time) = text.split_once(' ').unwrap();
        format!("{date}T{time}:00[Europe/Berlin]").parse::<jiff::Zoned>().unwrap().timestamp().into()
    }

    /// `bought {"total": 5}`, `click hello [link]`, `identify {…}`, `request j`, `reply {…}`, `accepted`, `wake`;
    /// several, separated by `;`, come together, and `look` is nothing but that time has passed.
    pub(in crate::engine) fn inputs(&mut self, what: &str, at: Moment) -> Vec<Input> {
        what.split(';').filter_map(|part| self.input(part.trim(), at)).collect()
    }

    pub(in crate::engine) fn input(&mut self, what: &str, at: Moment) -> Option<Input> {
        let (word, rest) = what.split_once(' ').unwrap_or((what, ""));
        let mut properties: Attributes = serde_json::from_str(rest).unwrap_or_default();
        let mut run = None;
        let live = self.state.runs.iter().find(|run| run.is_live()).map(|run| run.id);
        let call = self.last_call();
        let (kind, name) = match word {
            "wake" => {
                let due = self.state.runs.iter().find(|run| run.wake_at.is_some_and(|wake| wake <= at))?;
                return Some(Input::Wake { run: due.id, at: due.wake_at? });
            }
            "look" => return None,
            "identify" => (EventKind::Identify, "identify".to_owned()),
            "request" => (EventKind::Request, rest.to_owned()),
            "reply" => {
                run = live;
                (EventKind::Answer, call)
            }
            "accepted" | "rejected" => {
                properties.insert("lead".to_owned(), call.into());
                (EventKind::System, format!("lead_{word}"))
            }
            "click" | "open" | "machine" => {
                run = live;
                let (message, link) = rest.split_once(' ').unwrap_or((rest, ""));
                properties = json!({"message": message}).as_object().cloned()?;
                if !link.is_empty() {
                    properties.insert("link".to_owned(), link.into());
                }
                let kind = if word == "machine" { EventKind::Machine } else { EventKind::System };
                (
                    kind,
                    if word == "open" { "message_opened".to_owned() } else { "message_clicked".to_owned() },
                )
            }
            "replied" => {
                run = live;
                properties = json!({"message": rest}).as_object().cloned()?;
                (EventKind::System, "message_replied".to_owned())
            }
            "answer" => {
                run = live;
                properties =
                    json!({"survey": "nps", "message": "asks", "comment": "fine"}).as_object().cloned()?;
                properties.insert("score".to_owned(), rest.parse::<i64>().ok()?.into());
                (EventKind::System, "survey_answered".to_owned())
            }
            "unsubscribed" => (EventKind::System, word.to_owned()),
            "bought" => (EventKind::Track, "Order Completed".to_owned()),
            _ => (EventKind::Track, word.to_owned()),
        };
        self.count += 1;
        let received_at = at.plus_micros(i64::from(self.count));
        let id = EventId(IdHasher::new("event").part(self.count.to_be_bytes()).finish(at));
        let contact = self.state.contact.id;
        Some(Input::Event(Event { id, contact, kind, name, at, received_at, run, depth: 0, properties }))
    }

    pub(in crate::engine) fn last_call(&self) -> String {
        let calls = self.state.runs.iter().flat_map(|run| &run.state.calls);
        calls.last().map(|(_, id)| id.to_string()).unwrap_or_default()
    }

    /// Lets it happen, and tells what the runs did.
    pub(in crate::engine) fn step(&mut self, time: &str, what: &str) -> String {
        self.step_at(self.at(time), what)
    }

    pub(in crate::engine) fn step_at(&mut self, now: Moment, what: &str) -> String {
        let inputs = self.inputs(what, now);
        self.apply(now, inputs)
    }

    /// Lets happen what the last step led to, as the next tick does.
    pub(super) fn follow(&mut self, time: &str) -> String {
        let now = self.at(time);
        let inputs = std::mem::take(&mut self.last.events).into_iter().map(Input::Event).collect();
        self.apply(now, inputs)
    }

    /// Lets inputs come, and tells what the runs did.
    pub(in crate::engine) fn apply(&mut self, now: Moment, inputs: Vec<Input>) -> String {
        let assign = BTreeMap::new();
        let world = World {
            plans: &self.plans,
            zone: &self.zone,
            assign: &assign,
            learned: &self.learned,
            arm: self.arm,
        };
        let effects = advance(&world, &mut self.state, inputs, now);
        let line = |step: &crate::domain::HistoryStep| {
            let detail = match step.kind {
                StepKind::Waiting => {
                    let until: Moment = step.detail.parse().unwrap();
                    crate::time::wall_text(until, &self.zone)[5..].to_owned()
                }
                StepKind::Holding => {
                    let (until, why) = step.detail.split_once(' ').unwrap();
                    let until: Moment = until.parse().unwrap();
                    format!("{} {why}", &crate::time::wall_text(until, &self.zone)[5..])
                }
                _ => step.detail.clone(),
            };
            format!("{} {detail}", step.kind.as_str())
        };
        let mut lines: Vec<String> = effects.history.iter().map(line).collect();
        lines.extend(effects.refused.iter().map(|refused| format!("refused {:?}", refused.reason)));
        self.check(&effects);
        let due = self.state.watch.as_ref().and_then(|watch| watch.due_at);
        assert!(due.is_none_or(|due| due > now), "whoever was looked at is not due");
        self.last = effects;
        lines.join(", ")
    }

    /// What always holds.
    pub(in crate::engine) fn check(&self, effects: &Effects) {
        for run in &self.state.runs {
            assert_eq!(run.is_live(), run.outcome.is_none());
            assert!(run.is_live() || run.wake_at.is_none(), "an ended run wants nothing");
            assert!(run.turn > 0, "a run that is there has had a turn");
        }
        for message in &effects.messages {
            assert_eq!(message.reason.is_some(), message.state == crate::domain::MessageState::Skipped);
        }
        let mut steps: Vec<_> = effects.history.iter().map(|step| (step.run, step.number)).collect();
        steps.dedup();
        assert_eq!(steps.len(), effects.history.len());
    }

    pub(in crate::engine) fn play(&mut self, table: &[(&str, &str, &str)]) {
        for (time, what, expected) in table {
            assert_eq!(self.step(time, what), *expected, "at {time}: {what}");
        }
    }
}

pub(in crate::engine) fn play(journeys: &str, table: &[(&str, &str, &str)]) -> Play {
    let mut play = Play::new(journeys);
    play.play(table);
    play
}

/// One journey around the statements of its first stage.
pub(in crate::engine) fn stage(head: &str, statements: &str) -> String {
    let second = if statements.contains("go to t") { "stage t { end as in_t }" } else { "" };
    let head = format!("enter on signup reenter always permission news {head}");
    format!("journey j {{ {head} stage s {{ {statements} }} {second} }}")
}

pub(in crate::engine) const ENTERED: &str = "entered signup, stage s";
