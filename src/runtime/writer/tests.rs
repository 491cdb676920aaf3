use super::*;
use crate::domain::{ContactId, MessageId};
use crate::track::{Hit, HitKind};

fn opening(number: u128) -> Job {
    let at = Moment::from_seconds(1_800_000_000);
    let hit = Hit {
        kind: HitKind::Open,
        at,
        method: "GET".to_owned(),
        user_agent: None,
        purpose: None,
        link: None,
        hidden: false,
    };
    let key = MessageKey {
        contact: ContactId(uuid::Uuid::from_u128(1)),
        id: MessageId(uuid::Uuid::from_u128(number)),
    };
    Job::Hit { hit: MessageHit { key, hit, link: String::new() }, done: None }
}

fn taken_back() -> Job {
    Job::TakeBack { messages: Vec::new(), asked_at: Moment::from_seconds(0) }
}

#[test]
fn only_the_oldest_openings_are_forgotten() {
    let mut kept: VecDeque<Job> = (0..3).map(|_| taken_back()).collect();
    kept.extend((0..KEPT_MAX as u128).map(opening));
    forget(&mut kept);
    assert_eq!(kept.len(), KEPT_MAX);
    assert_eq!(kept.iter().filter(|job| matches!(job, Job::TakeBack { .. })).count(), 3);
    let first =
        kept.iter().find_map(|job| if let Job::Hit { hit, .. } = job { Some(hit.key.id.0) } else { None });
    assert_eq!(first, Some(uuid::Uuid::from_u128(3)));
    let before = kept.len();
    forget(&mut kept);
    assert_eq!(kept.len(), before, "there is room again");
}
