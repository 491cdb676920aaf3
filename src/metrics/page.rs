use std::fmt::{Display, Write as _};

use super::meter::BOUNDS_MICROS;
use super::{Counter, Family, Histogram};

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A page in the text format of Prometheus, version 0.0.4
/// (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// What the page says it is.
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// The page.
    pub fn finish(self) -> String {
        self.0
    }

    /// One number without labels.
    pub fn number(&mut self, name: &str, help: &str, kind: Kind, value: impl Display) {
        self.numbers(name, help, kind, [], [([], value)]);
    }

    /// A number for each set of labels.
    pub fn numbers<T: Display, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        kind: Kind,
        labels: [&str; N],
        values: impl IntoIterator<Item = ([String; N], T)>,
    ) {
        self.begin(name, help, if kind == Kind::Counter { "counter" } else { "gauge" });
        for (set, value) in values {
            let labels = written(labels, &set);
            self.sample(name, &labels, value);
        }
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, counter: &Counter) {
        self.number(name, help, Kind::Counter, counter.get());
    }

    pub(super) fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; N],
        family: &Family<Counter, N>,
    ) {
        let values = family.all().into_iter().map(|(set, counter)| (set, counter.get()));
        self.numbers(name, help, Kind::Counter, labels, values);
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.begin(name, help, "histogram");
        self.buckets(name, "", histogram);
    }

    pub(super) fn histograms<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; N],
        family: &Family<Histogram, N>,
    ) {
        self.begin(name, help, "histogram");
        for (set, histogram) in family.all() {
            self.buckets(name, &written(labels, &set), &histogram);
        }
    }

    fn begin(&mut self, name: &str, help: &str, kind: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = match labels {
            "" => writeln!(self.0, "{name} {value}"),
            labels => writeln!(self.0, "{name}{{{labels}}} {value}"),
        };
    }

    fn buckets(&mut self, name: &str, labels: &str, histogram: &Histogram) {
        let cumulated = histogram.cumulated();
        let bounds = BOUNDS_MICROS.iter().map(|micros| seconds(*micros)).chain(["+Inf".to_owned()]);
        let comma = if labels.is_empty() { "" } else { "," };
        for (bound, count) in bounds.zip(&cumulated) {
            self.sample(&format!("{name}_bucket"), &format!("{labels}{comma}le=\"{bound}\""), count);
        }
        self.sample(&format!("{name}_sum"), labels, seconds(histogram.sum_micros()));
        self.sample(&format!("{name}_count"), labels, cumulated.last().copied().unwrap_or(0));
    }
}

/// Microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:06}").trim_end_matches('0').to_owned()
}

fn written<const N: usize>(labels: [&str; N], values: &[String; N]) -> String {
    let mut text = String::new();
    for (label, value) in labels.iter().zip(values) {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}{label}=\"{value}\"");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_in_the_format_of_prometheus() {
        let mut page = Page::default();
        page.number("up", "Back\\slash\nand line.", Kind::Gauge, 1.5);
        let values = [(["a\"b\\c\nd".to_owned(), "2xx".to_owned()], 3)];
        page.numbers("seen_total", "Seen.", Kind::Counter, ["who", "status"], values);
        let family: Family<Histogram, 1> = Family::default();
        family.of(["x"]).observe_micros(700);
        page.histograms("took_seconds", "Took.", ["what"], &family);
        let text = page.finish();
        let head = "# HELP up Back\\\\slash\\nand line.\n# TYPE up gauge\nup 1.5\n\
            # HELP seen_total Seen.\n# TYPE seen_total counter\n\
            seen_total{who=\"a\\\"b\\\\c\\nd\",status=\"2xx\"} 3\n\
            # HELP took_seconds Took.\n# TYPE took_seconds histogram\n\
            took_seconds_bucket{what=\"x\",le=\"0.0005\"} 0\n\
            took_seconds_bucket{what=\"x\",le=\"0.001\"} 1\n";
        assert!(text.starts_with(head), "{text}");
        let tail = "took_seconds_bucket{what=\"x\",le=\"600\"} 1\n\
            took_seconds_bucket{what=\"x\",le=\"+Inf\"} 1\n\
            took_seconds_sum{what=\"x\"} 0.0007\ntook_seconds_count{what=\"x\"} 1\n";
        assert!(text.ends_with(tail), "{text}");
    }
}
