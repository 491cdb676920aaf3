use super::*;

const START: i64 = 1_800_000_000;

fn click(seconds: i64, link: u16) -> MessageHit {
    let hit = Hit {
        kind: HitKind::Click,
        at: Moment::from_seconds(START + seconds),
        method: "GET".to_owned(),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned()),
        purpose: None,
        link: Some(link),
        hidden: false,
    };
    MessageHit {
        key: MessageKey { contact: ContactId::default(), id: MessageId::default() },
        hit,
        link: format!("link {link}"),
    }
}

/// What is remembered of clicks of which all are lasting.
fn after(hits: &[&MessageHit]) -> Recent {
    let mut recent = Recent::default();
    let now = hits.last().map_or(Moment::MIN, |hit| hit.hit.at);
    recent.see(hits, now);
    recent.remember(hits.iter().map(|hit| request_key(hit)).collect(), now);
    recent
}

fn knows(recent: &Recent, hit: &MessageHit) -> bool {
    recent.knows(hit, recent.of(hit.key.id))
}

#[test]
fn a_click_that_comes_again_is_known_within_its_minute() {
    let first = click(0, 1);
    let recent = after(&[&first]);
    let mut renamed = click(5, 1);
    renamed.link = "elsewhere".to_owned();
    let mut program = click(5, 1);
    program.hit.user_agent = Some("curl/8.0".to_owned());
    for (case, hit, known) in [
        ("the same", click(5, 1), true),
        ("another link", click(5, 2), false),
        ("a link of another name", renamed, false),
        ("another program", program, false),
        ("the next minute", click(60, 1), false),
    ] {
        assert_eq!(knows(&recent, &hit), known, "{case}");
    }
}

#[test]
fn a_click_in_a_burst_is_looked_at_again() {
    let (first, second, third) = (click(0, 1), click(1, 2), click(2, 3));
    assert!(knows(&after(&[&first, &second]), &click(3, 1)));
    assert!(!knows(&after(&[&first, &second, &third]), &click(3, 1)));
}

#[test]
fn what_was_not_written_is_not_known() {
    let first = click(0, 1);
    let mut recent = Recent::default();
    recent.see(&[&first], first.hit.at);
    assert!(!knows(&recent, &click(5, 1)));
}
