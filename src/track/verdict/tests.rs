use super::*;

const CORPUS: &str = include_str!("corpus.tsv");
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/131.0.0.0 Safari/537.36";

fn handed_over_at() -> Moment {
    Moment::from_seconds(1_800_000_000)
}

fn after(seconds: f64) -> Moment {
    handed_over_at().plus_micros((seconds * 1e6) as i64)
}

fn click(seconds: f64, link: u16) -> Hit {
    Hit {
        kind: HitKind::Click,
        at: after(seconds),
        method: "GET".into(),
        user_agent: Some(CHROME.into()),
        purpose: None,
        link: Some(link),
        hidden: false,
    }
}

fn neighbour(seconds: f64, link: u16) -> Neighbour {
    Neighbour { at: after(seconds), link, hidden: false }
}

fn evidence(hit: &Hit, others: &[Neighbour]) -> Vec<Evidence> {
    judge(hit, handed_over_at(), others).evidence
}

#[test]
fn people_and_programs_are_told_apart() {
    let mut counts = (0, 0);
    for line in CORPUS.lines().filter(|line| !line.starts_with('#')) {
        let [who, kind, seconds, method, purpose, user_agent, what] =
            line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let header = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
        let hit = Hit {
            kind: if kind == "open" { HitKind::Open } else { HitKind::Click },
            method: method.into(),
            user_agent: header(user_agent),
            purpose: header(purpose),
            ..click(seconds.parse().unwrap(), 0)
        };
        let verdict = judge(&hit, handed_over_at(), &[]);
        assert_eq!(verdict.machine, who == "machine", "{what}: {:?}", verdict.evidence);
        assert_eq!(verdict.machine, !verdict.evidence.is_empty(), "{what}");
        if verdict.machine { counts.1 += 1 } else { counts.0 += 1 }
    }
    assert!(counts.0 >= 25 && counts.1 >= 40, "{counts:?}");
}

#[test]
fn a_click_needs_the_time_to_read() {
    assert_eq!(evidence(&click(1.999, 0), &[]), [Evidence::TooSoon { milliseconds: 1_999 }]);
    assert_eq!(evidence(&click(-1.0, 0), &[]), [Evidence::TooSoon { milliseconds: -1_000 }]);
    assert_eq!(evidence(&click(2.0, 0), &[]), []);
    assert_eq!(evidence(&Hit { kind: HitKind::Open, ..click(0.5, 0) }, &[]), []);
}

#[test]
fn a_burst_of_links_is_no_reader() {
    let burst = |links| vec![Evidence::Burst { links }];
    let around = [neighbour(100.0, 1), neighbour(104.0, 2)];
    assert_eq!(evidence(&click(110.0, 3), &around), burst(3));
    assert_eq!(evidence(&click(110.1, 3), &around), []);
    // The first of a burst is seen as part of it by whoever looks back.
    assert_eq!(evidence(&click(100.0, 1), &[neighbour(104.0, 2), neighbour(110.0, 3)]), burst(3));
    // Ten seconds before and ten behind are twenty.
    assert_eq!(evidence(&click(100.0, 1), &[neighbour(91.0, 2), neighbour(109.0, 3)]), []);
    assert_eq!(evidence(&click(100.0, 1), &[neighbour(95.0, 2), neighbour(104.0, 3)]), burst(3));
    // A person who clicks on one link again and again, or comes back to another.
    let again: Vec<Neighbour> =
        (0..50).map(|step| neighbour(100.0 + f64::from(step) / 10.0, step % 2)).collect();
    assert_eq!(evidence(&click(105.0, 1), &again), []);
    assert_eq!(evidence(&Hit { kind: HitKind::Open, ..click(105.0, 3) }, &around), []);
}

#[test]
fn who_follows_a_hidden_link_is_no_reader() {
    let hidden = Neighbour { hidden: true, ..neighbour(108.0, 9) };
    assert_eq!(evidence(&Hit { hidden: true, ..click(100.0, 9) }, &[]), [Evidence::HiddenLink]);
    assert_eq!(evidence(&click(100.0, 1), &[hidden]), [Evidence::NearHiddenLink { milliseconds: 8_000 }]);
    assert_eq!(evidence(&click(119.0, 1), &[hidden]), []);
    assert_eq!(evidence(&Hit { kind: HitKind::Open, ..click(100.0, 1) }, &[hidden]), []);
}

#[test]
fn all_evidence_is_kept_and_reads_the_same_for_ever() {
    let hit = Hit {
        method: "HEAD".into(),
        user_agent: Some("curl/8.5.0".into()),
        purpose: Some(format!("prefetch{}", "x".repeat(100))),
        hidden: true,
        ..click(1.0, 1)
    };
    let verdict = judge(&hit, handed_over_at(), &[neighbour(1.0, 2), neighbour(1.0, 3)]);
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "machine": true,
            "evidence": [
                { "code": "method", "method": "HEAD" },
                { "code": "prefetch", "purpose": format!("prefetch{}", "x".repeat(56)) },
                { "code": "user_agent", "kind": "library", "sign": "curl/" },
                { "code": "too_soon", "milliseconds": 1_000 },
                { "code": "hidden_link" },
                { "code": "burst", "links": 3 },
            ],
        })
    );
    assert_eq!(serde_json::from_value::<Verdict>(json).unwrap(), verdict);
    for evidence in [Evidence::NoUserAgent, Evidence::NearHiddenLink { milliseconds: 5 }] {
        let json = serde_json::to_string(&evidence).unwrap();
        assert_eq!(serde_json::from_str::<Evidence>(&json).unwrap(), evidence, "{json}");
    }
}
