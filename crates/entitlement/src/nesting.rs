//! Nesting: which groups pass a grant on to their members, because they lie in a granting group.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::GroupId;

/// Which granting groups a group leads to.
pub type Reach = BTreeMap<GroupId, Vec<Reached>>;

/// A granting group that is reached from a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The granting group.
    pub granting: GroupId,
    /// The groups on the way: the one begun from, then each that the one before lies in, without
    /// the granting group. Empty for the granting group itself.
    pub through: Vec<GroupId>,
}

/// From which groups each of the `granting` groups is reached, over `edges` that each say that the
/// second group is a member of the first. Of several ways the shortest is told, of those the first
/// by ids. A circle ends where it comes back; ways longer than `depth_max` are not followed.
pub fn reach(
    granting: &BTreeSet<GroupId>,
    edges: &BTreeSet<(GroupId, GroupId)>,
    depth_max: usize,
) -> Reach {
    let mut inner: BTreeMap<&GroupId, Vec<&GroupId>> = BTreeMap::new();
    for (outer, member) in edges {
        inner.entry(outer).or_default().push(member);
    }
    let mut reach = Reach::new();
    for top in granting {
        let mut seen = BTreeSet::from([top]);
        let mut next: VecDeque<(&GroupId, Vec<GroupId>)> = VecDeque::from([(top, Vec::new())]);
        while let Some((group, through)) = next.pop_front() {
            if through.len() < depth_max {
                for member in inner.get(group).into_iter().flatten() {
                    if seen.insert(member) {
                        let way = std::iter::once(*member).chain(&through).cloned().collect();
                        next.push_back((member, way));
                    }
                }
            }
            let reached = Reached { granting: top.clone(), through };
            reach.entry(group.clone()).or_default().push(reached);
        }
    }
    reach
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(text: &str) -> GroupId {
        GroupId(text.to_owned())
    }

    /// `a>b` says that b is a member of a.
    fn check(granting: &str, edges: &str, depth_max: usize, expected: &str) {
        let granting = granting.split_whitespace().map(id).collect();
        let edges = edges.split_whitespace().map(|edge| {
            let (outer, member) = edge.split_once('>').unwrap();
            (id(outer), id(member))
        });
        let mut lines = Vec::new();
        for (group, all) in reach(&granting, &edges.collect(), depth_max) {
            for Reached { granting, through } in all {
                let through: Vec<_> = through.iter().map(|group| group.0.as_str()).collect();
                lines.push(format!("{}: {} by [{}]", group.0, granting.0, through.join(" ")));
            }
        }
        assert_eq!(lines.join(", "), expected);
    }

    #[test]
    fn a_group_in_a_granting_group_passes_the_grant_on() {
        check("g", "", 4, "g: g by []");
        check("g", "x>y", 4, "g: g by []");
        check("g", "g>a a>b", 4, "a: g by [a], b: g by [b a], g: g by []");
        check("g h", "g>a h>a", 4, "a: g by [a], a: h by [a], g: g by [], h: h by []");
    }

    #[test]
    fn the_shortest_way_is_told_and_long_ones_are_not_followed() {
        check("g", "g>a a>b g>b", 4, "a: g by [a], b: g by [b], g: g by []");
        check("g", "g>a a>b b>c", 2, "a: g by [a], b: g by [b a], g: g by []");
    }

    #[test]
    fn a_circle_is_harmless() {
        check("g", "g>a a>b b>g b>a g>g", 9, "a: g by [a], b: g by [b a], g: g by []");
    }

    proptest! {
        #[test]
        fn every_way_leads_from_member_to_group(
            granting in proptest::collection::btree_set(0u8..8, 0..3),
            edges in proptest::collection::btree_set((0u8..8, 0u8..8), 0..30),
            depth_max in 0usize..6,
        ) {
            let name = |n: u8| GroupId(n.to_string());
            let granting = granting.into_iter().map(name).collect();
            let edges = edges.into_iter().map(|(a, b)| (name(a), name(b))).collect();
            for (group, all) in reach(&granting, &edges, depth_max) {
                for Reached { granting: top, through } in all {
                    prop_assert!(granting.contains(&top));
                    prop_assert!(through.len() <= depth_max);
                    let way: Vec<_> = through.iter().chain([&top]).collect();
                    prop_assert_eq!(way[0], &group);
                    for step in way.windows(2) {
                        prop_assert!(edges.contains(&(step[1].clone(), step[0].clone())));
                    }
                }
            }
        }
    }
}
