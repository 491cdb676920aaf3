//! Where boxes and arrows lie: in layers from top to bottom, after Sugiyama, Tagawa and Toda (1981). Circles are
//! broken, boxes put into ranks, arrows that pass a rank given a place in it, and each rank sorted for few
//! crossings. Ranks of boxes alternate with ranks of labels, so that no label lies on a box or on another label.

use super::rank::{rank, set};

/// The free space between two things of one rank.
const BESIDE: f64 = 22.0;
/// The free space between two ranks, and how much more there is for each unit that an arrow goes aside.
const BELOW: f64 = 12.0;
const BELOW_ASIDE: f64 = 0.07;
const BELOW_MAX: f64 = 48.0;
/// How often ranks are sorted and straightened.
const SWEEPS: usize = 24;
/// How many of the last look at both sides of a rank.
const STRAIGHT_SWEEPS: usize = 8;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// An arrow between two different boxes; its label may have no size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: Size,
}

/// Where everything lies: the middle and the upper edge of boxes and labels.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub(super) size: Size,
    pub(super) boxes: Vec<(f64, f64)>,
    pub(super) routes: Vec<Route>,
}

/// The way of an arrow.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    /// From the upper end to the lower one: straight stretches, each with its middle, upper and lower edge.
    pub(super) stretches: Vec<(f64, f64, f64)>,
    /// Whether the arrow points up.
    pub(super) up: bool,
    /// The middle and the upper edge of its label.
    pub(super) label: (f64, f64),
}

/// Something that takes up space in a rank: a box, or an arrow that passes.
#[derive(Clone, Debug, Default)]
struct Vertex {
    rank: usize,
    size: Size,
    x: f64,
    /// Neighbours in the rank above and the one below.
    above: Vec<usize>,
    below: Vec<usize>,
    passes: bool,
}

/// Lays boxes and arrows out. Boxes that nothing leads to come first, in their order.
pub(super) fn layout(boxes: &[Size], links: &[Link]) -> Layout {
    let (ranks, up) = rank(boxes.len(), links);
    let mut graph = Graph::new(boxes, &ranks);
    let chains: Vec<Vec<usize>> = links.iter().zip(&up).map(|(link, up)| graph.connect(*link, *up)).collect();
    graph.sort();
    graph.straighten();
    graph.align(&chains);
    graph.read_off(boxes.len(), links, &chains, &up)
}

struct Graph {
    vertices: Vec<Vertex>,
    /// The vertices of each rank, from left to right.
    ranks: Vec<Vec<usize>>,
}

impl Graph {
    fn new(boxes: &[Size], ranks: &[usize]) -> Self {
        let mut graph = Self { vertices: Vec::new(), ranks: Vec::new() };
        for (size, rank) in boxes.iter().zip(ranks) {
            graph.add(*rank, *size, false);
        }
        graph
    }

    fn add(&mut self, rank: usize, size: Size, passes: bool) -> usize {
        let index = self.vertices.len();
        self.vertices.push(Vertex { rank, size, passes, ..Vertex::default() });
        if self.ranks.len() <= rank {
            self.ranks.resize_with(rank + 1, Vec::new);
        }
        if let Some(list) = self.ranks.get_mut(rank) {
            list.push(index);
        }
        index
    }

    /// Leads a link through the ranks between its ends; gives the vertices from the upper end to the lower one.
    fn connect(&mut self, link: Link, up: bool) -> Vec<usize> {
        let (top, bottom) = if up { (link.to, link.from) } else { (link.from, link.to) };
        let rank_of = |graph: &Self, at: usize| graph.vertices.get(at).map_or(0, |vertex| vertex.rank);
        let (first, last) = (rank_of(self, top) + 1, rank_of(self, bottom));
        // The label stands where the arrow begins.
        let labelled = if up { last.saturating_sub(1) } else { first };
        let mut chain = vec![top];
        for rank in first..last {
            let size = if rank == labelled { link.label } else { Size::default() };
            chain.push(self.add(rank, size, true));
        }
        chain.push(bottom);
        for (above, below) in chain.iter().zip(chain.iter().skip(1)) {
            if let Some(vertex) = self.vertices.get_mut(*above) {
                vertex.below.push(*below);
            }
            if let Some(vertex) = self.vertices.get_mut(*below) {
                vertex.above.push(*above);
            }
        }
        chain
    }

    /// The position of each vertex in its rank.
    fn positions(&self) -> Vec<usize> {
        let mut positions = vec![0; self.vertices.len()];
        for rank in &self.ranks {
            for (position, vertex) in rank.iter().enumerate() {
                set(&mut positions, *vertex, position);
            }
        }
        positions
    }

    /// Sorts each rank by the middle of its neighbours, down and up in turns, and keeps the order with the fewest
    /// crossings.
    fn sort(&mut self) {
        let mut best = (self.crossings(), self.ranks.clone());
        for sweep in 0..SWEEPS {
            let down = sweep % 2 == 0;
            let count = self.ranks.len();
            for step in 0..count {
                let rank = if down { step } else { count - 1 - step };
                let positions = self.positions();
                let middle = |vertex: &usize| -> f64 {
                    let Some(known) = self.vertices.get(*vertex) else { return 0.0 };
                    let near = if down { &known.above } else { &known.below };
                    let own = positions.get(*vertex).copied().unwrap_or(0) as f64;
                    let near: Vec<f64> =
                        near.iter().filter_map(|near| positions.get(*near)).map(|at| *at as f64).collect();
                    if near.is_empty() { own } else { near.iter().sum::<f64>() / near.len() as f64 }
                };
                let Some(list) = self.ranks.get(rank) else { continue };
                let mut keyed: Vec<(f64, usize)> =
                    list.iter().map(|vertex| (middle(vertex), *vertex)).collect();
                keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
                set(&mut self.ranks, rank, keyed.into_iter().map(|(_, vertex)| vertex).collect());
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.ranks.clone());
            }
        }
        self.ranks = best.1;
    }

    fn crossings(&self) -> usize {
        let positions = self.positions();
        let position = |vertex: &usize| positions.get(*vertex).copied().unwrap_or(0);
        let mut count = 0;
        for rank in &self.ranks {
            // The lower ends so far, in order: those behind an end are crossed by it.
            let mut ends: Vec<usize> = Vec::new();
            for vertex in rank.iter().filter_map(|vertex| self.vertices.get(*vertex)) {
                let mut below: Vec<usize> = vertex.below.iter().map(position).collect();
                below.sort_unstable();
                count += below
                    .iter()
                    .map(|end| ends.len() - ends.partition_point(|known| known <= end))
                    .sum::<usize>();
                for end in below {
                    ends.insert(ends.partition_point(|known| *known <= end), end);
                }
            }
        }
        count
    }

    /// Moves each rank below or above the middle of its neighbours, as far as its order and its widths let it.
    fn straighten(&mut self) {
        for sweep in 0..SWEEPS {
            let count = self.ranks.len();
            for step in 0..count {
                let rank = if sweep % 2 == 0 { step } else { count - 1 - step };
                self.place(rank, sweep);
            }
        }
    }

    /// Takes the last steps out of arrows that could be straight.
    fn align(&mut self, chains: &[Vec<usize>]) {
        for chain in chains {
            self.align_chain(chain);
        }
        for rank in 0..self.ranks.len() {
            for vertex in self.ranks.get(rank).cloned().unwrap_or_default() {
                self.align_below_only(vertex);
            }
        }
        let left = self.vertices.iter().map(|vertex| vertex.x - vertex.size.width / 2.0).reduce(f64::min);
        for vertex in &mut self.vertices {
            vertex.x -= left.unwrap_or(0.0);
        }
    }

    /// Puts the places where one arrow passes ranks below each other, as many in a row as have a place in common.
    fn align_chain(&mut self, chain: &[usize]) {
        let inner = chain.get(1..chain.len().saturating_sub(1)).unwrap_or_default();
        let mut row: Vec<usize> = Vec::new();
        let mut common = (f64::MIN, f64::MAX);
        for vertex in inner {
            let free = self.free(*vertex);
            let both = (common.0.max(free.0), common.1.min(free.1));
            if both.0 > both.1 {
                self.set_row(&row, common);
                row.clear();
                common = free;
            } else {
                common = both;
            }
            row.push(*vertex);
        }
        self.set_row(&row, common);
    }

    fn set_row(&mut self, row: &[usize], (low, high): (f64, f64)) {
        let sum: f64 =
            row.iter().filter_map(|vertex| self.vertices.get(*vertex)).map(|vertex| vertex.x).sum();
        let x = (sum / row.len().max(1) as f64).max(low).min(high);
        for vertex in row {
            if let Some(vertex) = self.vertices.get_mut(*vertex) {
                vertex.x = x;
            }
        }
    }

    /// Puts what only one arrow leads to, of one that leads nowhere else, right below where it comes from.
    fn align_below_only(&mut self, at: usize) {
        let Some([above]) = self.vertices.get(at).map(|vertex| vertex.above.as_slice()) else { return };
        let Some((x, 1)) = self.vertices.get(*above).map(|vertex| (vertex.x, vertex.below.len())) else {
            return;
        };
        let (low, high) = self.free(at);
        if let Some(vertex) = self.vertices.get_mut(at) {
            vertex.x = x.max(low).min(high);
        }
    }

    /// Between which places a vertex can move without coming too near to those beside it.
    fn free(&self, at: usize) -> (f64, f64) {
        let Some(own) = self.vertices.get(at) else { return (0.0, 0.0) };
        let list = self.ranks.get(own.rank).map_or(&[][..], Vec::as_slice);
        let position = list.iter().position(|vertex| *vertex == at).unwrap_or(0);
        let beside = |index: Option<usize>| self.vertices.get(*list.get(index?)?);
        let apart = |other: &Vertex| (own.size.width + other.size.width) / 2.0 + BESIDE;
        let low = beside(position.checked_sub(1)).map_or(f64::MIN, |left| left.x + apart(left));
        let high = beside(position.checked_add(1)).map_or(f64::MAX, |right| right.x - apart(right));
        // What rounding made a little too narrow is where it is.
        (low.min(own.x), high.max(own.x))
    }

    fn place(&mut self, rank: usize, sweep: usize) {
        let Some(list) = self.ranks.get(rank).cloned() else { return };
        let x = |near: &usize| self.vertices.get(*near).map_or(0.0, |vertex| vertex.x);
        let mut offset = 0.0;
        let mut wanted = Vec::new();
        let mut last = 0.0;
        for (index, vertex) in list.iter().filter_map(|vertex| self.vertices.get(*vertex)).enumerate() {
            if index > 0 {
                offset += last + BESIDE + vertex.size.width / 2.0;
            }
            last = vertex.size.width / 2.0;
            let near: Vec<f64> = match sweep {
                _ if sweep + STRAIGHT_SWEEPS >= SWEEPS => {
                    vertex.above.iter().chain(&vertex.below).map(x).collect()
                }
                _ if sweep.is_multiple_of(2) => vertex.above.iter().map(x).collect(),
                _ => vertex.below.iter().map(x).collect(),
            };
            let middle =
                if near.is_empty() { vertex.x } else { near.iter().sum::<f64>() / near.len() as f64 };
            // Long arrows would rather stay straight.
            let weight = if vertex.passes { 4.0 } else { 1.0 };
            wanted.push((middle - offset, weight, offset));
        }
        let placed = ascending(&wanted);
        for ((vertex, x), (_, _, offset)) in list.iter().zip(placed).zip(&wanted) {
            if let Some(vertex) = self.vertices.get_mut(*vertex) {
                vertex.x = x + offset;
            }
        }
    }

    /// Turns what is known of the vertices into places.
    fn read_off(&self, boxes: usize, links: &[Link], chains: &[Vec<usize>], up: &[bool]) -> Layout {
        let mut tops = Vec::new();
        let mut y = 0.0;
        let mut gap = 0.0;
        for rank in &self.ranks {
            let heights =
                rank.iter().filter_map(|vertex| self.vertices.get(*vertex)).map(|vertex| vertex.size.height);
            let height = heights.fold(0.0, f64::max);
            tops.push((y, height));
            let aside = rank.iter().filter_map(|vertex| self.vertices.get(*vertex)).flat_map(|vertex| {
                let below = vertex.below.iter().filter_map(|below| self.vertices.get(*below));
                below.map(|below| (below.x - vertex.x).abs())
            });
            gap = (BELOW + BELOW_ASIDE * aside.fold(0.0, f64::max)).min(BELOW_MAX);
            y += height + gap;
        }
        let band = |vertex: &Vertex| tops.get(vertex.rank).copied().unwrap_or_default();
        let known = |index: &usize| self.vertices.get(*index).cloned().unwrap_or_default();
        let routes = links.iter().zip(chains).zip(up).map(|((link, chain), up)| {
            let last = chain.len().saturating_sub(1);
            let mut route = Route { up: *up, ..Route::default() };
            for (index, at) in chain.iter().enumerate() {
                let vertex = known(at);
                let (top, height) = band(&vertex);
                let (x, top, bottom) = if index == 0 {
                    let port = self.port(*at, chain.get(1), true);
                    (port, top + vertex.size.height, top + vertex.size.height)
                } else if index == last {
                    (self.port(*at, chain.get(last - 1), false), top, top)
                } else {
                    (vertex.x, top, top + height)
                };
                if vertex.passes && vertex.size == link.label && vertex.size.height > 0.0 {
                    route.label = (vertex.x, top + (height - vertex.size.height) / 2.0);
                }
                route.stretches.push((x, top, bottom));
            }
            route
        });
        let right = self.vertices.iter().map(|vertex| vertex.x + vertex.size.width / 2.0).fold(0.0, f64::max);
        Layout {
            size: Size { width: right, height: y - gap },
            routes: routes.collect(),
            boxes: self.vertices.iter().take(boxes).map(|vertex| (vertex.x, band(vertex).0)).collect(),
        }
    }

    /// Where an arrow leaves or reaches a box: the arrows of one side are spread over it in the order of where they
    /// go.
    fn port(&self, at: usize, towards: Option<&usize>, below: bool) -> f64 {
        let (Some(vertex), Some(towards)) = (self.vertices.get(at), towards) else { return 0.0 };
        let side = if below { &vertex.below } else { &vertex.above };
        let x = |near: &usize| self.vertices.get(*near).map_or(0.0, |vertex| vertex.x);
        let left = side.iter().filter(|near| x(near) < x(towards)).count() as f64;
        let share = (left + 1.0) / (side.len() as f64 + 1.0) - 0.5;
        vertex.x + share * vertex.size.width * 0.8
    }
}

/// The values nearest to what is wanted that never fall: pool adjacent violators (Ayer and others, 1955). Each
/// wanted value has a weight.
fn ascending(wanted: &[(f64, f64, f64)]) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (value, weight, _) in wanted {
        let mut pool = (*value, *weight, 1);
        while let Some(before) = pools.pop_if(|before| before.0 > pool.0) {
            let weight = before.1 + pool.1;
            pool = ((before.0 * before.1 + pool.0 * pool.1) / weight, weight, before.2 + pool.2);
        }
        pools.push(pool);
    }
    pools.iter().flat_map(|(value, _, count)| std::iter::repeat_n(*value, *count)).collect()
}
