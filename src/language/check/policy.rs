//! The policy of the workspace, and what single journeys say beside it. A journey may only be stricter: what the
//! policy says holds for its messages all the same, so that a looser clause would do nothing.

use super::Checker;
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::{Cap, Limits, PRIORITY_DEFAULT, Policy, Unsure};
use crate::language::syntax::tree::{self, CapThen, ClauseKind, Spanned};
use crate::source::Span;
use crate::time::{ClockTime, Length, Unit, Window};

/// The priorities there are.
const PRIORITIES: std::ops::RangeInclusive<f64> = 1.0..=100.0;
/// How long a message over a cap waits that does not say so.
const WAIT_DEFAULT: Length = Length::new(1, Unit::Day);

impl Checker<'_> {
    /// The policy of the workspace; one that limits nothing where there is none.
    pub(super) fn policy(&self) -> Policy {
        let mut policy = Policy::default();
        let Some(tree) = self.names.policy else { return policy };
        self.once(&tree.rules, "in the policy");
        for rule in &tree.rules {
            match &rule.kind {
                ClauseKind::Holdout(share) => policy.holdout = share.value,
                ClauseKind::Unsure(word) => policy.unsure = self.unsure(word),
                _ => self.limit(rule, &mut policy.limits),
            }
        }
        policy
    }

    fn unsure(&self, word: &tree::Name) -> Unsure {
        match word.value.as_str() {
            "hold" => Unsure::Hold,
            "resend" => Unsure::Resend,
            other => {
                let message = format!("`unsure` is `hold` or `resend`, not `{other}`");
                let help = words::did_you_mean(other, "write", ["hold", "resend"]);
                let finding = Finding::new(Code::E001, word.span, message).maybe_help(help);
                self.report(match words::near(other, ["hold", "resend"]) {
                    Some(near) => finding.edit(word.span, near),
                    None => finding,
                });
                Unsure::Hold
            }
        }
    }

    pub(super) fn priority(&self, priority: &Spanned<f64>) -> u8 {
        if PRIORITIES.contains(&priority.value) && priority.value.fract() == 0.0 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 100")]
            return priority.value as u8;
        }
        let message = format!("a priority is a whole number from 1 to 100, not {}", priority.value);
        self.report(
            Finding::new(Code::E002, priority.span, message)
                .help("100 goes first; journeys that say nothing have 50"),
        );
        PRIORITY_DEFAULT
    }

    /// Takes over `quiet`, `cap` and `late`, of the policy or of a journey.
    pub(super) fn limit(&self, clause: &tree::Clause, limits: &mut Limits) {
        match &clause.kind {
            ClauseKind::Quiet { from, to } => limits.quiet = self.quiet(clause.span, from, to),
            ClauseKind::Cap { channel, count, per, then } => {
                let whole = self.is_whole_cap(&clause.kind);
                limits.caps.extend(self.cap((channel, count, per, then), whole));
            }
            ClauseKind::Late(length) => {
                self.some_length(length);
                limits.late = Some(length.value);
            }
            _ => {}
        }
    }

    fn quiet(&self, span: Span, from: &Spanned<ClockTime>, to: &Spanned<ClockTime>) -> Option<Window> {
        if from.value == to.value {
            self.report(
                Finding::new(Code::E002, span, "these quiet hours end when they begin")
                    .help("write when they begin and when they end, such as `quiet 21:00 to 08:00`"),
            );
            return None;
        }
        Some(Window { from: from.value, to: to.value, days: None })
    }

    fn cap(
        &self,
        (channel, count, per, then): (&tree::Name, &Spanned<u32>, &Spanned<Length>, &CapThen),
        whole: bool,
    ) -> Option<Cap> {
        if !self.is_capped_channel(&channel.value) {
            self.some_channel(channel, Code::E101);
        }
        if count.value == 0 {
            self.report(
                Finding::new(Code::E002, count.span, "a cap of 0 lets nothing through at all")
                    .help("write how many messages a contact may get, from 1"),
            );
        }
        self.some_length(per);
        let wait = match then {
            CapThen::Skip => None,
            CapThen::Wait(limit) => Some(limit.as_ref().map_or(WAIT_DEFAULT, |limit| limit.value)),
        };
        let channel = (channel.value != "any").then(|| channel.value.clone());
        whole.then_some(Cap { channel, count: count.value, per: per.value, wait })
    }

    /// Whether a clause is a cap that is taken over.
    pub(super) fn is_whole_cap(&self, kind: &ClauseKind) -> bool {
        match kind {
            ClauseKind::Cap { channel, count, per, .. } => {
                self.is_capped_channel(&channel.value) && count.value > 0 && !per.value.is_zero()
            }
            _ => false,
        }
    }

    /// Whether a cap can be of that channel; without a `lotse.yaml` every name is taken.
    fn is_capped_channel(&self, channel: &str) -> bool {
        let declared = |deployment: &super::Deployment| deployment.channels.contains_key(channel);
        matches!(channel, "any" | "email") || self.deployment.is_none_or(declared)
    }

    fn some_length(&self, length: &Spanned<Length>) {
        if length.value.is_zero() {
            self.report(
                Finding::new(Code::E002, length.span, "this is no time at all")
                    .help("write how long, such as `1 day`"),
            );
        }
    }

    /// Reports a clause of a journey that lets more through than the policy does.
    pub(super) fn not_looser(&self, clause: &tree::Clause) {
        let Some(policy) = self.names.policy else { return };
        let Some(rule) = policy.rules.iter().find(|rule| loosens(&clause.kind, &rule.kind)) else { return };
        let (here, there) = (self.files.sources.text(clause.span), self.files.sources.text(rule.span));
        self.report(
            Finding::new(
                Code::E405,
                clause.span,
                format!("`{}` is looser than `{}` of the policy", one_line(here), one_line(there)),
            )
            .related(rule.span, "the policy says so here, for every journey")
            .help("a journey can only be stricter: take the clause away, or change the policy"),
        );
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a clause of a journey lets more through than a rule of the policy.
fn loosens(clause: &ClauseKind, rule: &ClauseKind) -> bool {
    match (clause, rule) {
        (ClauseKind::Late(here), ClauseKind::Late(there)) => {
            here.value.seconds_max() > there.value.seconds_max()
        }
        (ClauseKind::Quiet { from, to }, ClauseKind::Quiet { from: policy_from, to: policy_to }) => {
            let here = minutes_of(from.value, to.value);
            let there = minutes_of(policy_from.value, policy_to.value);
            // Hours apart from those of the policy come in addition to them.
            here.iter().any(|minute| there.contains(minute))
                && !there.iter().all(|minute| here.contains(minute))
        }
        (
            ClauseKind::Cap { channel, count, per, .. },
            ClauseKind::Cap { channel: policy_channel, count: policy_count, per: policy_per, .. },
        ) => {
            let same = channel.value == policy_channel.value || policy_channel.value == "any";
            same && lets_more(
                (count.value, per.value.seconds_max()),
                (policy_count.value, policy_per.value.seconds_max()),
            )
        }
        _ => false,
    }
}

/// Whether a cap lets more through than another ever does. Each is a number and seconds.
fn lets_more((count, per): (u32, i64), (policy_count, policy_per): (u32, i64)) -> bool {
    // As often as the policy's time begins within the journey's, its number may be used up anew.
    let times = per.checked_add(policy_per - 1).map_or(1, |sum| sum / policy_per.max(1)).max(1);
    let most = i64::from(policy_count).saturating_mul(times);
    i64::from(count) > most || count >= policy_count && per < policy_per
}

/// The minutes of the day between two clock times.
fn minutes_of(from: ClockTime, to: ClockTime) -> std::collections::BTreeSet<u16> {
    const DAY: u16 = 24 * 60;
    let (from, to) = (from.minute_of_day(), to.minute_of_day());
    let length = (to + DAY - from) % DAY;
    (0..length).map(|minute| (from + minute) % DAY).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_compared_by_what_it_lets_through() {
        const DAY: i64 = 86_400;
        for (here, policy, looser) in [
            ((3, 7), (3, 7), false),
            ((4, 7), (3, 7), true),
            ((2, 7), (3, 7), false),
            // As many, in less time.
            ((3, 1), (3, 7), true),
            ((2, 1), (3, 7), false),
            // The policy lets six through in two weeks.
            ((6, 14), (3, 7), false),
            ((7, 14), (3, 7), true),
            ((6, 8), (3, 7), false),
            ((7, 8), (3, 7), true),
        ] {
            let seconds = |(count, days): (u32, i64)| (count, days * DAY);
            assert_eq!(lets_more(seconds(here), seconds(policy)), looser, "{here:?} beside {policy:?}");
        }
    }

    #[test]
    fn quiet_hours_go_over_midnight() {
        let time = |hour| ClockTime::new(hour, 0).unwrap();
        assert_eq!(minutes_of(time(22), time(1)).len(), 180);
        assert!(minutes_of(time(22), time(1)).contains(&30));
        assert!(!minutes_of(time(9), time(17)).contains(&(17 * 60)));
    }
}
