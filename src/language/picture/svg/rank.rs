use super::layout::Link;

/// The rank of each box, always even, and which links point up: those back to a box before, from which they can be
/// come to again.
pub(super) fn rank(boxes: usize, links: &[Link]) -> (Vec<usize>, Vec<bool>) {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); boxes];
    for link in links {
        if let Some(list) = out.get_mut(link.from) {
            list.push(link.to);
        }
    }
    let up: Vec<bool> =
        links.iter().map(|link| link.to < link.from && reaches(&out, link.to, link.from)).collect();
    let mut ranks = vec![0; boxes];
    let down = || links.iter().zip(&up).filter(|(_, up)| !**up).map(|(link, _)| link);
    // Each round sets one more rank for good; without the links that point up there is no circle.
    for _ in 0..boxes {
        let mut changed = false;
        for link in down() {
            let below = ranks.get(link.from).copied().unwrap_or(0) + 2;
            if ranks.get(link.to).is_some_and(|rank| *rank < below) {
                set(&mut ranks, link.to, below);
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    lower_starts(&mut ranks, links, &up);
    (ranks, up)
}

fn reaches(out: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; out.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if seen.get(at) == Some(&false) {
            set(&mut seen, at, true);
            open.extend(out.get(at).into_iter().flatten());
        }
    }
    false
}

/// What nothing leads to stands right above what it leads to.
fn lower_starts(ranks: &mut [usize], links: &[Link], up: &[bool]) {
    let down = || links.iter().zip(up).filter(|(_, up)| !**up).map(|(link, _)| link);
    for start in 0..ranks.len() {
        if down().any(|link| link.to == start) {
            continue;
        }
        let first = down().filter(|link| link.from == start).filter_map(|link| ranks.get(link.to)).min();
        if let Some(first) = first.copied() {
            set(ranks, start, first.saturating_sub(2));
        }
    }
}

/// Sets what is at an index, where there is something.
pub(super) fn set<T>(list: &mut [T], index: usize, value: T) {
    if let Some(slot) = list.get_mut(index) {
        *slot = value;
    }
}
