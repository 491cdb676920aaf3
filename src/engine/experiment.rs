use std::sync::Arc;

use super::evaluate::is_reaction;
use super::share;
use super::turn::{Turn, is_named};
use crate::domain::{Event, Exposure, StepKind};
use crate::language::plan::{Place, Trigger, Variant};
use crate::time::Moment;

impl Turn<'_> {
    /// Comes to an experiment: the variant that all get once it was picked, else the contact's own. A run that
    /// comes there again takes the same.
    pub(super) fn experiment(&mut self, name: &str, variants: &[Variant]) -> Option<Place> {
        let find = |wanted: &str| variants.iter().find(|variant| variant.name == wanted);
        let known = self.run.state.variants.iter().find(|exposure| exposure.experiment == name);
        let index = |wanted: &Variant| variants.iter().position(|variant| variant.name == wanted.name);
        if let Some(variant) = known.and_then(|exposure| find(&exposure.variant)) {
            self.passes(index(variant));
            self.note(StepKind::Took, format!("variant {}", variant.name));
            return Some(variant.next);
        }
        let picked = self.world.learned.picked(&self.run.journey, name).and_then(find);
        let Some(variant) = picked.or_else(|| self.own_variant(name, variants)) else {
            self.hold(format!("its experiment `{name}` has no variants"));
            return None;
        };
        self.passes(index(variant));
        let (experiment, variant, next) = (name.to_owned(), variant.name.clone(), variant.next);
        // One of another version that has no such variant any more gives way.
        self.run.state.variants.retain(|exposure| exposure.experiment != name);
        let again = self.is_counted_already(&experiment);
        let says = match picked {
            Some(_) if self.world.learned.by_test => " named",
            Some(_) => " picked",
            None => "",
        };
        let detail = format!("{experiment} {variant}{says}");
        self.run.state.variants.push(Exposure {
            experiment,
            variant,
            at: self.cause,
            succeeded: false,
            again,
        });
        self.note(StepKind::Variant, detail);
        Some(next)
    }

    /// Whether the experiment is open already for another run of the contact. All of a contact's runs fall to the same
    /// variant and see the same successes: counted one by one they would pass for so many contacts.
    fn is_counted_already(&self, experiment: &str) -> bool {
        let Some(pick) = self.plan.picks.get(experiment) else { return false };
        let others = self.state.runs.iter().filter(|run| run.journey == self.run.journey);
        others.flat_map(|run| &run.state.variants).any(|exposure| {
            exposure.experiment == experiment
                && !exposure.again
                && pick.after.after(exposure.at, &self.zone) >= self.cause
        })
    }

    /// The variant a contact falls to by its share: the same whenever it comes, in every run.
    fn own_variant<'v>(&self, name: &str, variants: &'v [Variant]) -> Option<&'v Variant> {
        let whole: f64 = variants.iter().map(|variant| variant.share).sum();
        let falls_at =
            whole * share::of("experiment", &format!("{}/{name}", self.run.journey), self.run.contact);
        let mut behind = 0.0;
        let found = variants.iter().find(|variant| {
            behind += variant.share;
            falls_at < behind
        });
        // A sum of shares may end a hair before the whole.
        found.or_else(|| variants.iter().rfind(|variant| variant.share > 0.0))
    }

    /// Counts successes in experiments, also for a run at its end.
    pub(super) fn succeed(&mut self, event: &Event) {
        if self.run.goal_until.is_none_or(|until| event.at > until) {
            return;
        }
        let plan = Arc::clone(&self.plan);
        for index in 0..self.run.state.variants.len() {
            let Some(exposure) = self.run.state.variants.get(index) else { return };
            let Some(pick) = plan.picks.get(&exposure.experiment) else { continue };
            let open = !exposure.succeeded
                && !exposure.again
                && event.at >= exposure.at
                && event.at <= pick.after.after(exposure.at, &self.zone)
                && self.is_success(&pick.trigger, event)
                && self.holds(pick.condition.as_ref(), Some(&event.properties));
            if open {
                let detail = format!("{} {}", exposure.experiment, exposure.variant);
                if let Some(exposure) = self.run.state.variants.get_mut(index) {
                    exposure.succeeded = true;
                }
                self.note(StepKind::Succeeded, detail);
            }
        }
    }

    fn is_success(&self, trigger: &Trigger, event: &Event) -> bool {
        match trigger {
            Trigger::Event(name) => is_named(event, name),
            Trigger::Reaction { kind, message, link } => {
                let reacted = self.reaction(event);
                reacted.is_some_and(|reacted| is_reaction(&reacted, *kind, message, link.as_deref()))
            }
            Trigger::Reply(_) | Trigger::Accepted(_) | Trigger::Rejected(_) => false,
        }
    }

    /// Until when the run stands for its contact in an experiment, succeeded or not; `None` where it does in none.
    pub(super) fn successes_open_until(&self) -> Option<Moment> {
        let open = self.run.state.variants.iter().filter(|exposure| !exposure.again);
        let until = open.filter_map(|exposure| {
            let pick = self.plan.picks.get(&exposure.experiment)?;
            Some(pick.after.after(exposure.at, &self.zone))
        });
        until.max()
    }
}
