use std::collections::BTreeMap;

use futures::future::{BoxFuture, FutureExt, join_all};
use serde_json::Value;

use super::{Class, Failure, Reader, Sent};
use crate::aws::Aws;
use crate::kinds::{AnyKind, Erased, Kind};
use crate::model::{Holder, Owner, Tags};
use crate::plan::{Call, Object, Phase};

/// The half of a kind that talks to AWS.
pub trait Live: Kind {
    /// Every resource of the kind in the account and region that carries an owner's tag, and, where a name can be in
    /// use already, the names of the others. Lists are shared through `reader`; nothing is described one by one that a
    /// list tells.
    fn observe(reader: &Reader) -> impl Future<Output = Result<Vec<Observed<Self::Attributes>>, Failure>> + Send;

    /// Sends one call.
    fn execute(aws: &Aws, call: Self::Call) -> impl Future<Output = Result<Sent, Failure>> + Send;

    /// What keeps `id`, a resource of the kind that is `owner`'s, from being deleted: asked when AWS has refused that.
    /// Only reads. Nothing for kinds of which AWS's refusal says it all.
    fn holders(
        _reader: &Reader<'_>,
        _owner: &Owner,
        _id: &str,
    ) -> impl Future<Output = Result<Vec<Holder>, Failure>> + Send {
        async { Ok(Vec::new()) }
    }
}

/// A resource as AWS holds it, typed.
#[derive(Clone, Debug)]
pub struct Observed<A> {
    id: String,
    outputs: BTreeMap<String, String>,
    attributes: Option<A>,
    tags: Tags,
    state: String,
    phase: Phase,
}

impl<A> Observed<A> {
    /// A resource that can be used, called `id`, which is also its output `id`.
    pub fn new(id: impl Into<String>, tags: Tags, attributes: A) -> Self {
        let id = id.into();
        Self {
            outputs: BTreeMap::from([("id".to_owned(), id.clone())]),
            id,
            attributes: Some(attributes),
            tags,
            state: String::new(),
            phase: Phase::Ready,
        }
    }

    /// A name that is in use, with the tags of what has it; nothing else was read.
    pub fn foreign(name: impl Into<String>, tags: Tags) -> Self {
        Self {
            id: name.into(),
            outputs: BTreeMap::new(),
            attributes: None,
            tags,
            state: String::new(),
            phase: Phase::Ready,
        }
    }

    /// A resource that is ours and that could not be looked into.
    fn unread(id: &str, tags: Tags, failure: &Failure) -> Self {
        let why = format!("it could not be read: {}", failure.sentence());
        Self::foreign(id, tags).state("", Phase::Broken(why))
    }

    /// With the output `name`.
    #[must_use]
    pub fn output(mut self, name: &str, value: impl Into<String>) -> Self {
        self.outputs.insert(name.to_owned(), value.into());
        self
    }

    /// With AWS's word for its state, and what that means.
    #[must_use]
    pub fn state(mut self, state: &str, phase: Phase) -> Self {
        state.clone_into(&mut self.state);
        self.phase = phase;
        self
    }
}

/// Looks into each of `items` at once: its id, its tags, and what reading it gives. What is gone by now is left out,
/// and what cannot be read is nobody's trouble but its own.
pub async fn observe_each<A, F>(items: impl IntoIterator<Item = (String, Tags, F)>) -> Vec<Observed<A>>
where
    F: Future<Output = Result<Observed<A>, Failure>>,
{
    // Boxed: several SDK calls make a future of many kilobytes, and stacks are small.
    let read = items.into_iter().map(|(id, tags, read)| {
        Box::pin(async move {
            match read.await {
                Ok(observed) => Some(observed),
                Err(failure) if failure.class == Class::NotFound => None,
                Err(failure) => Some(Observed::unread(&id, tags, &failure)),
            }
        })
    });
    join_all(read).await.into_iter().flatten().collect()
}

/// A kind with its types erased, with the half that talks to AWS.
pub trait LiveKind: AnyKind {
    /// See [`Live::observe`].
    fn observe<'a>(&'a self, reader: &'a Reader) -> BoxFuture<'a, Result<Vec<Object>, Failure>>;

    /// See [`Live::execute`].
    fn execute<'a>(&'a self, aws: &'a Aws, call: Call) -> BoxFuture<'a, Result<Sent, Failure>>;

    /// See [`Live::holders`].
    fn holders<'a>(
        &'a self,
        reader: &'a Reader,
        owner: &'a Owner,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Holder>, Failure>>;
}

impl<K: Live> LiveKind for Erased<K> {
    fn observe<'a>(&'a self, reader: &'a Reader) -> BoxFuture<'a, Result<Vec<Object>, Failure>> {
        async move { Ok(K::observe(reader).await?.into_iter().map(object::<K>).collect()) }.boxed()
    }

    fn execute<'a>(&'a self, aws: &'a Aws, call: Call) -> BoxFuture<'a, Result<Sent, Failure>> {
        async move {
            let name = call.call.clone();
            match serde_json::to_value(call).and_then(serde_json::from_value) {
                Ok(call) => K::execute(aws, call).await,
                Err(error) => Err(Failure {
                    call: name,
                    class: Class::Invalid,
                    code: String::new(),
                    message: format!("the plan's arguments do not fit the call: {error}").into(),
                }),
            }
        }
        .boxed()
    }

    fn holders<'a>(
        &'a self,
        reader: &'a Reader,
        owner: &'a Owner,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Holder>, Failure>> {
        K::holders(reader, owner, id).boxed()
    }
}

fn object<K: Kind>(observed: Observed<K::Attributes>) -> Object {
    let attributes = observed
        .attributes
        .map(|attributes| serde_json::to_value(attributes).unwrap_or_default());
    Object {
        kind: K::NAME.to_owned(),
        id: observed.id,
        outputs: observed.outputs,
        attributes: attributes.unwrap_or(Value::Null),
        tags: observed.tags,
        state: observed.state,
        phase: observed.phase,
    }
}
