//! One file per AWS resource kind, and the registry that lists them.
//!
//! A kind's file says what the resource is (`Attributes`), which of its fields may change and how (`FIELDS`),
//! which AWS calls make, change and remove it (`Call`, pure), and, behind the feature `aws`, how it is listed
//! and how a call is sent. The planner and the apply engine know a kind only through [`AnyKind`].

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{NodeKey, Output, Ref, Tags};
use crate::plan::{Call, Change, Effect, Object, Todo};

/// A field of a kind's attributes.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name, as serialised.
    pub name: &'static str,
    /// What a change of it does to the living resource.
    pub effect: Effect,
    /// How much a drift of it matters.
    pub severity: crate::plan::Severity,
    /// Whether it does no harm when it is another one on what is adopted.
    pub harmless: bool,
    /// Whether no two resources of the kind may have the same in a project.
    pub distinct: bool,
}

impl Field {
    /// A field that AWS changes in place.
    pub const fn in_place(name: &'static str) -> Self {
        Self::new(name, Effect::InPlace)
    }

    /// A field that can only be changed while the resource is stopped.
    pub const fn stop_first(name: &'static str) -> Self {
        Self::new(name, Effect::StopFirst)
    }

    /// A field that AWS never changes: the resource has to be made anew.
    pub const fn replace(name: &'static str) -> Self {
        Self::new(name, Effect::Replace)
    }

    /// A mark that an earlier pass left for what it has begun and not ended.
    pub const fn finish(name: &'static str) -> Self {
        Self::new(name, Effect::Finish)
    }

    /// A choice made at creation and not compared afterwards.
    pub const fn at_creation(name: &'static str) -> Self {
        Self::new(name, Effect::Ignore)
    }

    /// The same field, whose drift opens the project's boundary.
    #[must_use]
    pub const fn critical(mut self) -> Self {
        self.severity = crate::plan::Severity::Critical;
        self
    }

    /// The same field, which does no harm when it is another one on what is adopted.
    #[must_use]
    pub const fn harmless(mut self) -> Self {
        self.harmless = true;
        self
    }

    /// The same field, of which no two resources of the kind may have the same in a project.
    #[must_use]
    pub const fn distinct(mut self) -> Self {
        self.distinct = true;
        self
    }

    const fn new(name: &'static str, effect: Effect) -> Self {
        Self {
            name,
            effect,
            severity: crate::plan::Severity::High,
            harmless: false,
            distinct: false,
        }
    }
}

/// How a resource is recognised as a node of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// AWS invents the id: the tags tell, and the create call must never be sent twice.
    Tags,
    /// The name is ours and unique: creating twice is refused by AWS.
    Name,
}

/// A resource that is to be made.
#[derive(Clone, Debug)]
pub struct New<A> {
    /// The node it is to be.
    pub node: NodeKey,
    /// Its name in AWS.
    pub name: String,
    /// What it shall be.
    pub attributes: A,
    /// The tags it is born with.
    pub tags: Tags,
}

impl<A> New<A> {
    /// The id that the first call will have given it, for the calls that follow.
    pub fn id(&self) -> String {
        Ref::<()>::output(&self.node, "id").into()
    }

    /// A client token that is the same for every attempt at this creation and for no other.
    pub fn token(&self) -> String {
        Ref::<()>::output(&self.node, TOKEN).into()
    }
}

/// The output that the apply engine, not AWS, fills in: see [`New::token`].
pub const TOKEN: &str = "token";

/// A resource as AWS holds it.
#[derive(Clone, Debug)]
pub struct Current<A> {
    /// Its id, or its name for kinds that are known by name.
    pub id: String,
    /// What AWS calls its state; empty for kinds that have none.
    pub state: String,
    /// What it is.
    pub attributes: A,
    /// The tags it has.
    pub tags: Tags,
}

/// What somebody has to write into the spec so that a resource may be interrupted.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// So that it may be stopped to be changed.
    pub stop: &'static str,
    /// So that it may be deleted and made anew, and what that costs.
    pub replace: &'static str,
}

/// The names of the fields that differ.
#[derive(Clone, Debug)]
pub struct Changed<'a>(pub &'a [Change]);

impl Changed<'_> {
    /// Whether `field` differs.
    pub fn has(&self, field: &str) -> bool {
        self.0.iter().any(|change| change.field == field)
    }
}

/// One kind of AWS resource: the pure half.
pub trait Kind: Send + Sync + 'static {
    /// The name, as in `Vpc/main`.
    const NAME: &'static str;
    /// Every field of [`Kind::Attributes`].
    const FIELDS: &'static [Field];
    /// How a resource of the kind is recognised.
    const IDENTITY: Identity;
    /// The IAM actions that observing and executing need.
    const PERMISSIONS: &'static [&'static str];
    /// Whether resources of the kind hold data, so that they are kept even when the spec no longer names them.
    const HOLDS_DATA: bool = false;
    /// Whether AWS tags resources of the kind. What has no tags of its own belongs to whatever it is a part of.
    const TAGGABLE: bool = true;
    /// How many resources AWS removes with one call, at most: more than one needs [`Kind::delete_together`].
    const DELETES_AT_ONCE: usize = 1;
    /// The fields that may name what is not there, such as a policy: what they name need not outlive the resource.
    const MENTIONS: &'static [&'static str] = &[];
    /// What in the spec allows interruptions; nothing for kinds of which the spec has no say.
    const TERMS: Option<Terms> = None;
    /// What a resource of the kind is. Serialised forms are canonical: equal JSON means equal meaning.
    type Attributes: Serialize + DeserializeOwned + Clone;
    /// The mutating AWS calls of the kind; serialised as `{"call": "ec2:CreateVpc", "args": {…}}`.
    type Call: Serialize + DeserializeOwned + Send;

    /// The calls that make the resource, in order.
    fn create(new: &New<Self::Attributes>) -> Vec<Self::Call>;

    /// The calls that turn `current` into `desired`; additions come before removals.
    fn update(
        current: &Current<Self::Attributes>,
        desired: &Self::Attributes,
        changed: &Changed<'_>,
    ) -> Todo<Self::Call>;

    /// The calls that put the tags `missing` on the resource; never asked of a kind that is not taggable.
    fn tag(current: &Current<Self::Attributes>, missing: &Tags) -> Vec<Self::Call>;

    /// The calls that remove the resource.
    fn delete(current: &Current<Self::Attributes>) -> Todo<Self::Call>;

    /// One call in the place of `deletes`, which are no more than [`Kind::DELETES_AT_ONCE`]. Each is the only call of a
    /// step that deletes.
    fn delete_together(_deletes: Vec<Self::Call>) -> Option<Self::Call> {
        None
    }

    /// What changing `field` from `before` to `after` does; the table in `FIELDS` unless the values matter.
    fn effect(field: &Field, _before: &Value, _after: &Value) -> Effect {
        field.effect
    }

    /// Whether stopping the resource would interrupt somebody.
    fn in_use(_state: &str) -> bool {
        false
    }

    /// Whether nothing in the resource shows that somebody uses it. AWS itself refuses to delete most of what is used.
    fn is_idle(_attributes: &Self::Attributes) -> bool {
        true
    }
}

/// A handle to a node of kind `K` in a blueprint: where references to it come from.
#[derive(Debug)]
pub struct Handle<K> {
    node: NodeKey,
    kind: std::marker::PhantomData<fn() -> K>,
}

impl<K: Kind> Handle<K> {
    /// The handle of the node `name`.
    pub fn new(name: &str) -> Self {
        Self {
            node: NodeKey::new(K::NAME, name),
            kind: std::marker::PhantomData,
        }
    }

    /// The node.
    pub fn node(&self) -> &NodeKey {
        &self.node
    }

    /// A reference to its id.
    pub fn id(&self) -> Ref<K> {
        Ref::output(&self.node, "id")
    }

    /// A reference to its ARN, for kinds that publish one.
    pub fn arn(&self) -> String {
        self.output("arn")
    }

    /// A reference to another of its outputs.
    pub fn output(&self, name: &str) -> String {
        Output {
            node: self.node.clone(),
            name: name.to_owned(),
        }
        .to_string()
    }
}

/// A kind with its types erased: what the planner sees.
pub trait AnyKind: Send + Sync {
    /// See [`Kind::NAME`].
    fn name(&self) -> &'static str;
    /// See [`Kind::FIELDS`].
    fn fields(&self) -> &'static [Field];
    /// See [`Kind::IDENTITY`].
    fn identity(&self) -> Identity;
    /// See [`Kind::HOLDS_DATA`].
    fn holds_data(&self) -> bool;
    /// See [`Kind::TAGGABLE`].
    fn taggable(&self) -> bool;
    /// See [`Kind::PERMISSIONS`].
    fn permissions(&self) -> &'static [&'static str];
    /// See [`Kind::TERMS`].
    fn terms(&self) -> Option<Terms>;
    /// See [`Kind::effect`].
    fn effect(&self, field: &Field, before: &Value, after: &Value) -> Effect;
    /// See [`Kind::in_use`].
    fn in_use(&self, state: &str) -> bool;
    /// See [`Kind::is_idle`]; false where `attributes` are not the kind's.
    fn is_idle(&self, attributes: &Value) -> bool;
    /// `attributes` in the form in which equal meaning is equal JSON.
    ///
    /// # Errors
    /// When they are not this kind's: a mistake in the blueprint.
    fn canonical(&self, attributes: Value) -> Result<Value, serde_json::Error>;
    /// See [`Kind::create`].
    ///
    /// # Errors
    /// When `attributes` are not this kind's: a mistake in the blueprint.
    fn create(&self, new: &New<Value>) -> Result<Vec<Call>, serde_json::Error>;
    /// See [`Kind::update`].
    ///
    /// # Errors
    /// As [`AnyKind::create`].
    fn update(&self, current: &Object, desired: &Value, changed: &[Change]) -> Result<Todo<Call>, serde_json::Error>;
    /// See [`Kind::tag`].
    ///
    /// # Errors
    /// As [`AnyKind::create`].
    fn tag(&self, current: &Object, missing: &Tags) -> Result<Vec<Call>, serde_json::Error>;
    /// See [`Kind::delete`].
    ///
    /// # Errors
    /// As [`AnyKind::create`].
    fn delete(&self, current: &Object) -> Result<Todo<Call>, serde_json::Error>;
    /// See [`Kind::MENTIONS`].
    fn mentions(&self) -> &'static [&'static str];
    /// [`Kind::DELETES_AT_ONCE`].
    fn deletes_at_once(&self) -> usize;
    /// See [`Kind::delete_together`].
    ///
    /// # Errors
    /// When `deletes` are not this kind's: a mistake in this program.
    fn delete_together(&self, deletes: &[Call]) -> Result<Option<Call>, serde_json::Error>;
}

/// Gives [`AnyKind`] to every [`Kind`].
pub struct Erased<K>(std::marker::PhantomData<fn() -> K>);

impl<K> Erased<K> {
    /// The erased kind.
    pub const fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<K> Default for Erased<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Kind> AnyKind for Erased<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn fields(&self) -> &'static [Field] {
        K::FIELDS
    }

    fn identity(&self) -> Identity {
        K::IDENTITY
    }

    fn holds_data(&self) -> bool {
        K::HOLDS_DATA
    }

    fn taggable(&self) -> bool {
        K::TAGGABLE
    }

    fn permissions(&self) -> &'static [&'static str] {
        K::PERMISSIONS
    }

    fn terms(&self) -> Option<Terms> {
        K::TERMS
    }

    fn effect(&self, field: &Field, before: &Value, after: &Value) -> Effect {
        K::effect(field, before, after)
    }

    fn in_use(&self, state: &str) -> bool {
        K::in_use(state)
    }

    fn is_idle(&self, attributes: &Value) -> bool {
        let attributes = serde_json::from_value(attributes.clone());
        attributes.is_ok_and(|attributes| K::is_idle(&attributes))
    }

    fn canonical(&self, attributes: Value) -> Result<Value, serde_json::Error> {
        let attributes: K::Attributes = serde_json::from_value(attributes)?;
        serde_json::to_value(attributes)
    }

    fn create(&self, new: &New<Value>) -> Result<Vec<Call>, serde_json::Error> {
        let new = New {
            node: new.node.clone(),
            name: new.name.clone(),
            attributes: serde_json::from_value(new.attributes.clone())?,
            tags: new.tags.clone(),
        };
        erase(K::create(&new))
    }

    fn update(&self, current: &Object, desired: &Value, changed: &[Change]) -> Result<Todo<Call>, serde_json::Error> {
        let desired = serde_json::from_value(desired.clone())?;
        K::update(&typed::<K>(current)?, &desired, &Changed(changed)).try_map(erase)
    }

    fn tag(&self, current: &Object, missing: &Tags) -> Result<Vec<Call>, serde_json::Error> {
        erase(K::tag(&typed::<K>(current)?, missing))
    }

    fn delete(&self, current: &Object) -> Result<Todo<Call>, serde_json::Error> {
        K::delete(&typed::<K>(current)?).try_map(erase)
    }

    fn mentions(&self) -> &'static [&'static str] {
        K::MENTIONS
    }

    fn deletes_at_once(&self) -> usize {
        K::DELETES_AT_ONCE
    }

    fn delete_together(&self, deletes: &[Call]) -> Result<Option<Call>, serde_json::Error> {
        let typed = deletes
            .iter()
            .map(|call| serde_json::to_value(call).and_then(serde_json::from_value));
        let together = K::delete_together(typed.collect::<Result<_, _>>()?);
        Ok(erase(together.into_iter().collect())?.pop())
    }
}

fn typed<K: Kind>(object: &Object) -> Result<Current<K::Attributes>, serde_json::Error> {
    Ok(Current {
        id: object.id.clone(),
        state: object.state.clone(),
        attributes: serde_json::from_value(object.attributes.clone())?,
        tags: object.tags.clone(),
    })
}

fn erase<C: Serialize>(calls: Vec<C>) -> Result<Vec<Call>, serde_json::Error> {
    calls
        .into_iter()
        .map(|call| serde_json::from_value(serde_json::to_value(call)?))
        .collect()
}

pub mod managers;
pub mod permissions;
mod shared;
#[cfg(all(test, feature = "aws"))]
pub(crate) use shared::iam_document;

pub use shared::rules::{Peer, Rule, Rules};
#[cfg(feature = "aws")]
pub(crate) use shared::{ec2, routes, rules};

macro_rules! kinds {
    ($($module:ident :: $kind:ident),* $(,)?) => {
        $(pub mod $module; pub use $module::$kind;)*

        /// Every kind, in alphabetical order.
        pub const KINDS: &[&dyn AnyKind] = &[$(&Erased::<$kind>::new()),*];

        /// Every kind with the half that talks to AWS.
        #[cfg(feature = "aws")]
        pub(crate) const LIVE_KINDS: &[&dyn crate::engine::LiveKind] = &[$(&Erased::<$kind>::new()),*];
    };
}

// The registry: a new kind is its file and one line here.
kinds! {
    bucket::Bucket,
    flow_log::FlowLog,
    iam_policy::IamPolicy,
    iam_role::IamRole,
    kms_key::KmsKey,
    lifecycle_config::LifecycleConfig,
    log_group::LogGroup,
    notebook::Notebook,
    parameter::Parameter,
    resource_group::ResourceGroup,
    route_table::RouteTable,
    security_group::SecurityGroup,
    security_group_rules::SecurityGroupRules,
    subnet::Subnet,
    vpc::Vpc,
    vpc_endpoint::VpcEndpoint,
}

/// The kind called `name`.
pub fn find(name: &str) -> Option<&'static dyn AnyKind> {
    KINDS.iter().copied().find(|kind| kind.name() == name)
}
