use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::shown::{number, percent, plain};
use super::{Console, Frame, Trouble, page};
use crate::domain::{Arm, Learned};
use crate::language::plan::{self, Plan, Step};
use crate::store::TallyRow;

#[derive(Template)]
#[template(path = "journeys.html")]
struct JourneysPage {
    frame: Frame,
    /// Since when and why nothing is handed over.
    held: Option<String>,
    journeys: Vec<Journey>,
}

/// A journey in force, with its counts over all versions.
struct Journey {
    name: String,
    title: String,
    version: u32,
    entered: String,
    inside: String,
    ended: String,
    /// How many are only measured: in the control group, and those that get no marketing at all.
    control: String,
    holdout: String,
    stages: Vec<Stage>,
    goals: Vec<Goal>,
    /// To which teams how many leads went.
    hand_offs: Vec<(String, String)>,
    messages: Vec<Message>,
    experiments: Vec<Experiment>,
    outcomes: Vec<(String, String)>,
}

struct Stage {
    name: String,
    title: String,
    here: String,
    /// How many have come here, those who went on among them.
    reached: String,
    /// Of a hundred who were written to, how many are here, and how many came here.
    here_percent: i64,
    reached_percent: i64,
}

struct Goal {
    title: String,
    reached: String,
    worth: Option<String>,
    /// Of those who are written to.
    treated: Rate,
    /// Of those who are only measured; nothing where nobody is.
    control: Option<Rate>,
    /// Of those who get no marketing of any journey; nothing where nobody is.
    holdout: Option<Rate>,
}

struct Experiment {
    title: String,
    /// Whether somebody said what counts as success.
    counts_successes: bool,
    variants: Vec<Variant>,
}

struct Variant {
    title: String,
    /// Who succeeded, of those who came to it.
    rate: Rate,
    /// Whether all get it from now on.
    picked: bool,
}

struct Rate {
    reached: String,
    of: String,
    percent: i64,
}

struct Message {
    name: String,
    sent: String,
    opened: String,
    opened_percent: i64,
    clicked: String,
    clicked_percent: i64,
    skipped: String,
}

pub(super) async fn show(State(console): State<Console>) -> Response {
    let frame = console.frame("journeys");
    match journeys(&console).await {
        Ok((held, journeys)) => page(&JourneysPage { frame, held, journeys }),
        Err(trouble) => trouble.say(frame),
    }
}

async fn journeys(console: &Console) -> Result<(Option<String>, Vec<Journey>), Trouble> {
    let runtime = &console.0.app.runtime;
    let mut unit = runtime.store().read().await?;
    let rows = unit.totals(None).await?;
    let held = unit.held().await?.map(|hold| format!("since {}: {}", console.wall(hold.since), hold.why));
    let (plans, learned) = (runtime.plans(), runtime.learned());
    let journeys = plans.all_active().map(|(version, plan)| Journey::new(version, plan, &rows, &learned));
    Ok((held, journeys.collect()))
}

impl Journey {
    fn new(version: u32, plan: &Plan, rows: &[TallyRow], learned: &Learned) -> Self {
        let counts = Counts(rows.iter().filter(|row| row.journey == plan.journey).collect());
        let (entered, ended) = (counts.sum("entered", None), counts.sum("ended", None));
        let [control, holdout] = [Arm::Control, Arm::Holdout].map(|arm| counts.of_arm("entered", None, arm));
        // The main goal is the first that the journey names; those of earlier versions come last.
        let mut goals: Vec<String> = plan.goals.iter().map(|goal| goal.name.clone()).collect();
        let earlier = counts.details("goal").into_keys().filter(|name| !goals.contains(name));
        goals.extend(earlier.collect::<Vec<_>>());
        Self {
            name: plan.journey.clone(),
            title: if plan.label.is_empty() { plain(&plan.journey) } else { plan.label.clone() },
            version,
            entered: number(entered),
            inside: number(entered - ended),
            ended: number(ended),
            control: number(control),
            holdout: number(holdout),
            stages: stages(plan, &counts, entered - control - holdout),
            hand_offs: counts.listed("hand_off"),
            goals: goals.iter().map(|goal| Goal::new(goal, &counts)).collect(),
            messages: messages(plan).iter().map(|message| Message::new(message, &counts)).collect(),
            experiments: experiments(plan, &counts, learned),
            outcomes: counts.listed("ended"),
        }
    }
}

/// The stages in the order of the journey; those of earlier versions, while somebody is there, come last.
fn stages(plan: &Plan, counts: &Counts<'_>, treated: i64) -> Vec<Stage> {
    let mut here = counts.details("in_stage");
    let mut names = plan.stages.clone();
    here.retain(|stage, count| *count > 0 || names.contains(stage));
    names.extend(here.keys().filter(|stage| !plan.stages.contains(stage)).cloned());
    let stage = |name: String| {
        let here = here.get(&name).copied().unwrap_or_default();
        let reached = counts.sum("reached", Some(&name));
        Stage {
            title: plain(&name),
            name,
            here: number(here),
            reached: number(reached),
            here_percent: percent(here, treated),
            reached_percent: percent(reached, treated),
        }
    };
    names.into_iter().map(stage).collect()
}

/// The experiments in the order of the journey.
fn experiments(plan: &Plan, counts: &Counts<'_>, learned: &Learned) -> Vec<Experiment> {
    // The detail is the experiment, the variant and the hour of the day.
    let sum = |what: &str, experiment: &str, variant: &str| -> i64 {
        let begins = format!("{experiment} {variant} ");
        counts.rows(what, None).filter(|row| row.detail.starts_with(&begins)).map(|row| row.count).sum()
    };
    let all = plan.experiments().map(|(name, variants)| {
        let picked = learned.picked(&plan.journey, name);
        let variant = |variant: &plan::Variant| {
            let (reached, of) = (sum("succeeded", name, &variant.name), sum("exposed", name, &variant.name));
            Variant {
                title: plain(&variant.name),
                rate: Rate { reached: number(reached), of: number(of), percent: percent(reached, of) },
                picked: picked == Some(&variant.name),
            }
        };
        Experiment {
            title: plain(name),
            counts_successes: plan.picks.contains_key(name),
            variants: variants.iter().map(variant).collect(),
        }
    });
    all.collect()
}

/// The messages that a journey sends, in the order in which it does.
fn messages(plan: &Plan) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for node in &plan.nodes {
        let Step::Send(send) = &node.step else { continue };
        for choice in &send.choices {
            if !messages.contains(&choice.message) {
                messages.push(choice.message.clone());
            }
        }
    }
    messages
}

impl Goal {
    fn new(name: &str, counts: &Counts<'_>) -> Self {
        let rate = |arm| {
            let (reached, of) = (counts.of_arm("goal", Some(name), arm), counts.of_arm("entered", None, arm));
            (of > 0).then(|| Rate { reached: number(reached), of: number(of), percent: percent(reached, of) })
        };
        let worth: f64 = counts.rows("goal", Some(name)).map(|row| row.worth).sum();
        let none = || Rate { reached: number(0), of: number(0), percent: 0 };
        Self {
            title: plain(name),
            reached: number(counts.sum("goal", Some(name))),
            worth: (worth > 0.0).then(|| money(worth)),
            treated: rate(Arm::Treated).unwrap_or_else(none),
            control: rate(Arm::Control),
            holdout: rate(Arm::Holdout),
        }
    }
}

/// A sum with two decimals.
fn money(sum: f64) -> String {
    let text = format!("{sum:.2}");
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    format!("{}.{cents}", number(whole.parse().unwrap_or(i64::MAX)))
}

impl Message {
    fn new(name: &str, counts: &Counts<'_>) -> Self {
        let sum = |what| counts.sum(what, Some(name));
        let (sent, opened, clicked) = (sum("sent"), sum("opened"), sum("clicked"));
        // The detail of what was skipped is the message and the reason.
        let skipped = counts
            .details("skipped")
            .into_iter()
            .filter(|(detail, _)| detail.split_once(' ').is_some_and(|(message, _)| message == name));
        Self {
            name: name.to_owned(),
            sent: number(sent),
            opened: number(opened),
            opened_percent: percent(opened, sent),
            clicked: number(clicked),
            clicked_percent: percent(clicked, sent),
            skipped: number(skipped.map(|(_, count)| count).sum()),
        }
    }
}

/// The counts of one journey.
struct Counts<'a>(Vec<&'a TallyRow>);

impl<'a> Counts<'a> {
    fn rows<'b>(&'b self, what: &'b str, detail: Option<&'b str>) -> impl Iterator<Item = &'a TallyRow> + 'b {
        let wanted =
            move |row: &&&TallyRow| row.what == what && detail.is_none_or(|detail| row.detail == detail);
        self.0.iter().filter(wanted).copied()
    }

    fn sum(&self, what: &str, detail: Option<&str>) -> i64 {
        self.rows(what, detail).map(|row| row.count).sum()
    }

    fn of_arm(&self, what: &str, detail: Option<&str>, arm: Arm) -> i64 {
        self.rows(what, detail).filter(|row| row.arm == arm.as_str()).map(|row| row.count).sum()
    }

    /// Each detail by its plain name, with its count.
    fn listed(&self, what: &str) -> Vec<(String, String)> {
        let details = self.details(what).into_iter();
        details.map(|(detail, count)| (plain(&detail), number(count))).collect()
    }

    fn details(&self, what: &str) -> BTreeMap<String, i64> {
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for row in self.rows(what, None) {
            *sums.entry(row.detail.clone()).or_default() += row.count;
        }
        sums
    }
}
