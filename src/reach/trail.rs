//! A way that routes open, before anybody asks what may pass it.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::network::{Interface, NetworkAcl, Route, RouteTable};
use super::path::{Destination, Direction, Hop, Obstacle};

/// A way out of a subnet that routes open.
#[derive(Clone)]
pub(super) struct Trail<'n> {
    pub steps: Vec<Step<'n>>,
    pub destination: Destination,
    /// The addresses that it leads to.
    pub blocks: Vec<IpNet>,
    /// The groups that what sends may be a member of.
    pub senders: BTreeSet<&'n str>,
}

/// A part of a trail.
#[derive(Clone)]
pub(super) enum Step<'n> {
    /// Lets everything through.
    Through(Hop),
    /// Lets nothing through.
    Closed(Obstacle),
    /// The group of what sends decides.
    Sender,
    /// The groups of an interface decide, in a direction.
    Groups(&'n Interface, Direction),
    /// A network ACL decides, in a direction.
    Acl(&'n str, &'n NetworkAcl, Direction),
    /// Only what the table has no closer route for goes this way.
    Route(&'n str, &'n RouteTable, &'n Route),
}
