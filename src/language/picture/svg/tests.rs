use super::layout::{Link, Size, layout};
use super::*;

/// Left, top, right, bottom.
type Edges = (f64, f64, f64, f64);

/// A journey of that many boxes: each leads to the next, to one further down, and every seventh back up.
fn ladder(count: usize) -> (Vec<Size>, Vec<Link>) {
    let boxes = (0..count).map(|index| Size { width: 80.0 + (index % 5) as f64 * 30.0, height: 40.0 });
    let label = Size { width: 70.0, height: 20.0 };
    let ways = (0..count).flat_map(|from| {
        let back = (from % 7 == 6).then(|| from - 4);
        [Some(from + 1), Some(from + 3), back].into_iter().flatten().map(move |to| (from, to))
    });
    let links = ways.filter(|(_, to)| *to < count).map(|(from, to)| Link { from, to, label });
    (boxes.collect(), links.collect())
}

fn edges((middle, top): (f64, f64), size: Size) -> Edges {
    (middle - size.width / 2.0, top, middle + size.width / 2.0, top + size.height)
}

#[test]
fn nothing_lies_on_anything_else() {
    for count in [1, 2, 5, 40] {
        let (boxes, links) = ladder(count);
        let laid = layout(&boxes, &links);
        let mut taken: Vec<Edges> =
            laid.boxes.iter().zip(&boxes).map(|(place, size)| edges(*place, *size)).collect();
        taken.extend(laid.routes.iter().zip(&links).map(|(route, link)| edges(route.label, link.label)));
        for (index, a) in taken.iter().enumerate() {
            assert!(a.0 > -0.1 && a.2 < laid.size.width + 0.1 && a.3 < laid.size.height + 0.1, "{a:?}");
            for b in &taken[index + 1..] {
                let apart = a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1;
                assert!(apart, "of {count}: {a:?} and {b:?}");
            }
        }
    }
}

#[test]
fn a_journey_is_read_from_top_to_bottom() {
    let (boxes, links) = ladder(40);
    let laid = layout(&boxes, &links);
    for (link, route) in links.iter().zip(&laid.routes) {
        assert_eq!(route.up, link.to < link.from, "{link:?}");
        let falls = route.stretches.windows(2).all(|pair| pair[0].2 <= pair[1].1);
        assert!(falls, "{route:?}");
        // What stands between the ends of an arrow is passed at its side.
        for (at, size) in laid.boxes.iter().zip(&boxes) {
            let (left, top, right, bottom) = edges(*at, *size);
            let inner = route.stretches.get(1..route.stretches.len() - 1).unwrap();
            let through =
                inner.iter().any(|(x, from, to)| *x > left && *x < right && *from < bottom && *to > top);
            assert!(!through, "{link:?} goes through the box at {at:?}");
        }
    }
}

#[test]
fn a_picture_says_what_it_is_and_escapes_what_authors_write() {
    let outline = Outline {
        name: "sale".to_owned(),
        label: "A & <B>".to_owned(),
        path: "sale.journey".to_owned(),
        clauses: vec!["enter on signup".to_owned(), "control 10%".to_owned()],
        enters: Vec::new(),
        stages: Vec::new(),
    };
    let drawn = svg(&outline);
    assert!(drawn.contains("role=\"img\" aria-labelledby=\"title-sale desc-sale\""), "{drawn}");
    assert!(drawn.contains("<title id=\"title-sale\">A &amp; &lt;B&gt;</title>"), "{drawn}");
    assert!(drawn.contains(">control 10%</text>"), "{drawn}");
    assert!(drawn.contains("prefers-color-scheme:dark"), "{drawn}");
}
