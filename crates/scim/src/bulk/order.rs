//! In which order the operations of a bulk request are carried out: as they stand, but nobody
//! before those whose ids it needs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::{BulkMethod, BulkRequest};

/// What is carried out at once: operations by their places in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkStep {
    /// An operation by itself.
    One(usize),
    /// New resources that name each other, or themselves (RFC 7644 3.7.1): all or none of them.
    Circle(Vec<usize>),
}

impl BulkRequest {
    /// The steps in order. RFC 7644 3.7 lets operations be reordered if "the client's intent is
    /// preserved": an operation waits for the new resources that it names and for operations on
    /// the same resource that stand before it, and for nothing else.
    pub fn steps(&self) -> Vec<BulkStep> {
        let needs = self.needs();
        let circles = Circles::of(&needs);
        // The graph of circles, each a single operation most of the time.
        let mut waiting_for = vec![0_usize; circles.members.len()];
        let mut awaited_by = vec![Vec::new(); circles.members.len()];
        for (from, needed) in needs.iter().enumerate() {
            for to in needed {
                let (from, to) = (circles.of[from], circles.of[*to]);
                if from != to {
                    waiting_for[from] += 1;
                    awaited_by[to].push(from);
                }
            }
        }
        let first = |circle: usize| Reverse((circles.members[circle][0], circle));
        let mut ready: BinaryHeap<_> = (0..circles.members.len())
            .filter(|circle| waiting_for[*circle] == 0)
            .map(first)
            .collect();
        let mut steps = Vec::with_capacity(circles.members.len());
        while let Some(Reverse((place, circle))) = ready.pop() {
            let members = &circles.members[circle];
            let alone = members.len() == 1 && !needs[place].contains(&place);
            steps.push(match alone {
                true => BulkStep::One(place),
                false => BulkStep::Circle(members.clone()),
            });
            for next in &awaited_by[circle] {
                waiting_for[*next] -= 1;
                if waiting_for[*next] == 0 {
                    ready.push(first(*next));
                }
            }
        }
        steps
    }

    /// Which operations each operation has to wait for.
    fn needs(&self) -> Vec<Vec<usize>> {
        let mut makers = BTreeMap::new();
        for (place, operation) in self.operations.iter().enumerate() {
            if let (Some(id), Some("POST")) = (&operation.bulk_id, operation.method.as_deref()) {
                makers.insert(id.as_str(), place);
            }
        }
        let mut last_on = BTreeMap::new();
        let mut needs = Vec::with_capacity(self.operations.len());
        for (place, operation) in self.operations.iter().enumerate() {
            let Ok(call) = &operation.call else {
                needs.push(Vec::new());
                continue;
            };
            let named = call.references.iter().filter_map(|id| makers.get(id.as_str()).copied());
            let mut needed: Vec<usize> = named.collect();
            if call.method != BulkMethod::Post {
                needed.extend(last_on.insert(call.path.trim_matches('/'), place));
            }
            needs.push(needed);
        }
        needs
    }
}

/// The strongly connected components of a graph (Tarjan), without recursion.
struct Circles {
    /// The component of each node.
    of: Vec<usize>,
    /// The nodes of each component, in order.
    members: Vec<Vec<usize>>,
}

struct Walk<'a> {
    edges: &'a [Vec<usize>],
    /// When each node was first seen, from 1; 0 is never.
    seen: Vec<usize>,
    /// The earliest node on the stack that each node leads back to.
    low: Vec<usize>,
    count: usize,
    stack: Vec<usize>,
    circles: Circles,
}

const NOWHERE: usize = usize::MAX;

impl Circles {
    fn of(edges: &[Vec<usize>]) -> Self {
        let size = edges.len();
        let circles = Self { of: vec![NOWHERE; size], members: Vec::new() };
        let (seen, low) = (vec![0; size], vec![0; size]);
        let mut walk = Walk { edges, seen, low, count: 0, stack: Vec::new(), circles };
        for node in 0..size {
            if walk.seen[node] == 0 {
                walk.from(node);
            }
        }
        walk.circles
    }
}

impl Walk<'_> {
    fn enter(&mut self, node: usize) {
        self.count += 1;
        self.seen[node] = self.count;
        self.low[node] = self.count;
        self.stack.push(node);
    }

    fn from(&mut self, root: usize) {
        self.enter(root);
        let mut path = vec![(root, 0)];
        while let Some((node, edge)) = path.last_mut() {
            let node = *node;
            if let Some(next) = self.edges[node].get(*edge).copied() {
                *edge += 1;
                if self.seen[next] == 0 {
                    self.enter(next);
                    path.push((next, 0));
                } else if self.circles.of[next] == NOWHERE {
                    self.low[node] = self.low[node].min(self.seen[next]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                self.low[*parent] = self.low[*parent].min(self.low[node]);
            }
            if self.low[node] == self.seen[node] {
                self.leave(node);
            }
        }
    }

    /// Everything on the stack down to this node is one component.
    fn leave(&mut self, node: usize) {
        let circle = self.circles.members.len();
        let mut members = Vec::new();
        while let Some(member) = self.stack.pop() {
            self.circles.of[member] = circle;
            members.push(member);
            if member == node {
                break;
            }
        }
        members.sort_unstable();
        self.circles.members.push(members);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{Tolerances, urn};

    /// Each line is `METHOD path bulkId: references`.
    fn steps(lines: &[&str]) -> String {
        let operations: Vec<Value> = lines
            .iter()
            .map(|line| {
                let (head, references) = line.split_once(':').unwrap_or((line, ""));
                let mut words = head.split(' ');
                let (method, path) = (words.next(), words.next());
                let values: Vec<_> = references
                    .split_whitespace()
                    .map(|id| json!({"value": format!("bulkId:{id}")}))
                    .collect();
                let path = path.map(|path| path.replace('@', "bulkId:"));
                json!({"method": method, "path": path, "bulkId": words.next(), "data": {"members": values}})
            })
            .collect();
        let body = json!({"schemas": [urn::BULK_REQUEST], "Operations": operations});
        let (request, _) = BulkRequest::read(body, &Tolerances::none(), 1_000).unwrap();
        let told = request.steps().into_iter().map(|step| match step {
            BulkStep::One(place) => place.to_string(),
            BulkStep::Circle(places) => format!("{places:?}"),
        });
        told.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn operations_are_carried_out_as_they_stand_unless_they_need_a_later_one() {
        let check =
            |lines: &[&str], expected: &str| assert_eq!(steps(lines), expected, "{lines:?}");
        check(&["POST /Users a", "POST /Groups g: a", "PATCH /Groups/1"], "0 1 2");
        check(
            &["POST /Groups g: a b", "POST /Users a", "POST /Users b", "PUT /Users/9"],
            "1 2 0 3",
        );
        check(&["PATCH /Users/@a", "POST /Users a"], "1 0");
        // What is done to one resource keeps its order, also when the first has to wait.
        check(&["PUT /Users/1: m", "PATCH /Users/1", "PUT /Users/2", "POST /Users m"], "2 3 0 1");
        check(&["POST /Users c: b", "POST /Users b: a", "POST /Users a"], "2 1 0");
    }

    #[test]
    fn circles_are_told_from_chains() {
        let check =
            |lines: &[&str], expected: &str| assert_eq!(steps(lines), expected, "{lines:?}");
        check(&["POST /Groups a: b", "POST /Groups b: a"], "[0, 1]");
        check(&["POST /Groups a: a"], "[0]");
        check(
            &["PATCH /Groups/9: a", "POST /Groups a: b", "POST /Users u", "POST /Groups b: a u"],
            "2 [1, 3] 0",
        );
        check(
            &["POST /G a: b", "POST /G b: c", "POST /G c: a", "POST /G d: a e", "POST /G e: d"],
            "[0, 1, 2] [3, 4]",
        );
    }

    proptest! {
        #[test]
        fn everybody_comes_once_and_after_those_it_needs(
            edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..30)
        ) {
            let line = |place: usize| {
                let named = edges.iter().filter(|(from, _)| *from == place);
                let named: Vec<_> = named.map(|(_, to)| format!("b{to}")).collect();
                format!("POST /Groups b{place}: {}", named.join(" "))
            };
            let lines: Vec<String> = (0..12).map(line).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let told = steps(&lines);
            let mut at = BTreeMap::new();
            for (step, text) in told.replace(", ", ",").split(' ').enumerate() {
                for place in text.trim_matches(['[', ']']).split(',') {
                    prop_assert_eq!(at.insert(place.parse::<usize>().unwrap(), step), None);
                }
            }
            prop_assert_eq!(at.len(), 12);
            for (from, to) in edges {
                prop_assert!(at[&to] <= at[&from], "{} needs {}: {}", from, to, told);
            }
        }
    }
}
