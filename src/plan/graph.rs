//! The order of nodes, from their references alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::NodeKey;

/// Nodes that refer to each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these resources refer to each other in a circle: {}", path(.0))]
pub struct Cycle(pub Vec<NodeKey>);

fn path(nodes: &[NodeKey]) -> String {
    nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
}

/// The nodes with every node after those it refers to; ties in the order of their keys.
///
/// # Errors
/// When there is no such order.
pub(super) fn order(edges: &BTreeMap<NodeKey, BTreeSet<NodeKey>>) -> Result<Vec<NodeKey>, Cycle> {
    let mut walk = Walk {
        edges,
        done: BTreeSet::new(),
        open: Vec::new(),
        order: Vec::with_capacity(edges.len()),
    };
    for node in edges.keys() {
        walk.visit(node)?;
    }
    Ok(walk.order)
}

struct Walk<'a> {
    edges: &'a BTreeMap<NodeKey, BTreeSet<NodeKey>>,
    done: BTreeSet<&'a NodeKey>,
    open: Vec<&'a NodeKey>,
    order: Vec<NodeKey>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, node: &'a NodeKey) -> Result<(), Cycle> {
        if self.done.contains(node) {
            return Ok(());
        }
        if let Some(start) = self.open.iter().position(|open| *open == node) {
            let circle = self.open[start..].iter().copied().chain([node]);
            return Err(Cycle(circle.cloned().collect()));
        }
        let Some((node, targets)) = self.edges.get_key_value(node) else {
            return Ok(());
        };
        self.open.push(node);
        for target in targets {
            self.visit(target)?;
        }
        self.open.pop();
        self.done.insert(node);
        self.order.push(node.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> NodeKey {
        NodeKey::new("K", name)
    }

    fn graph(edges: &[(&str, &[&str])]) -> BTreeMap<NodeKey, BTreeSet<NodeKey>> {
        let targets = |names: &[&str]| names.iter().map(|name| key(name)).collect();
        edges.iter().map(|(from, to)| (key(from), targets(to))).collect()
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let order = order(&graph(&[("a", &["c"]), ("b", &["a"]), ("c", &[])]));
        assert_eq!(order, Ok(vec![key("c"), key("a"), key("b")]));
    }

    #[test]
    fn a_circle_is_named() {
        let error = order(&graph(&[("a", &["b"]), ("b", &["a"])])).map_err(|cycle| cycle.to_string());
        assert_eq!(
            error,
            Err("these resources refer to each other in a circle: K/a → K/b → K/a".to_owned())
        );
    }
}
