//! The environment as AWS has it, in the form that checks ask for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::report::{Finding, Outcome, Verdict};
use crate::blueprint::{Blueprint, GuardrailSettings, Node, Project};
use crate::kinds::{
    self, Bucket, IamPolicy, IamRole, Kind, KmsKey, Subnet, VpcEndpoint, bucket, iam_policy, iam_role, kms_key,
    vpc_endpoint,
};
use crate::model::{NodeKey, Output, resolve};
use crate::plan::{Object, Phase, World};
use crate::policy::{Document, Principal, Statement};

/// See the module.
pub struct Scene<'a> {
    pub(super) project: &'a Project,
    pub(super) settings: GuardrailSettings,
    blueprint: &'a Blueprint,
    world: &'a World,
    pub(super) roles: BTreeMap<String, Role>,
    buckets: BTreeMap<String, Option<Document>>,
    keys: BTreeMap<String, Document>,
    endpoints: BTreeMap<String, Option<Document>>,
    /// Leaves everything to the policies of whoever asks, as the policies do that AWS gives keys by default.
    delegating: Document,
}

/// A role with what is attached to it.
pub(super) struct Role {
    pub(super) attributes: iam_role::Attributes,
    /// Its boundary's text; none where it has no boundary, or one that is not the project's.
    pub(super) boundary: Option<Document>,
}

/// Whether it is not on its way out.
fn stands(object: &Object) -> bool {
    !matches!(object.phase, Phase::Leaving(_))
}

/// Allows everything to everybody: what stands for a policy whose text is not known, and for none at all where that means
/// that everything is allowed.
pub(super) static EVERYTHING: LazyLock<Document> = LazyLock::new(|| {
    let everything = Statement::allow("Everything").actions(["*"]).anywhere();
    Document::new([everything])
});
/// The same in policies of resources and endpoints.
pub(super) static EVERYBODY: LazyLock<Document> = LazyLock::new(|| {
    let everything = Statement::allow("Everything").principal(Principal::Anyone);
    Document::new([everything.actions(["*"]).anywhere()])
});

impl<'a> Scene<'a> {
    pub(super) fn new(project: &'a Project, blueprint: &'a Blueprint, world: &'a World) -> Self {
        let mut scene = Self {
            project,
            settings: GuardrailSettings::new(&project.spec.guardrails),
            blueprint,
            world,
            roles: BTreeMap::new(),
            buckets: BTreeMap::new(),
            keys: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            delegating: Document::new([Statement::allow("Account")
                .aws_principals([project.iam_arn("root")])
                .actions(["*"])
                .anywhere()]),
        };
        scene.roles = scene.each::<IamRole, _>(|attributes: iam_role::Attributes, scene| Role {
            boundary: attributes.boundary.as_deref().and_then(|arn| scene.boundary(arn)),
            attributes,
        });
        scene.buckets = scene.each::<Bucket, _>(|attributes: bucket::Attributes, _| attributes.policy);
        scene.keys = scene.each::<KmsKey, _>(|attributes: kms_key::Attributes, _| attributes.policy);
        scene.endpoints = scene.each::<VpcEndpoint, _>(|attributes: vpc_endpoint::Attributes, _| attributes.policy);
        scene
    }

    fn each<K: Kind, T>(&self, read: impl Fn(K::Attributes, &Self) -> T) -> BTreeMap<String, T> {
        let there = self.nodes::<K>().filter_map(|node| {
            let attributes = self.attributes::<K>(&node.key.name)?;
            Some((node.key.name.clone(), read(attributes, self)))
        });
        there.collect()
    }

    /// The text of the project's boundary that is called `arn`.
    fn boundary(&self, arn: &str) -> Option<Document> {
        let nodes = self.nodes::<IamPolicy>();
        let named = |node: &&Node| self.output(IamPolicy::NAME, &node.key.name, "arn") == arn;
        let node = nodes.into_iter().find(named)?;
        let policy: iam_policy::Attributes = self.attributes::<IamPolicy>(&node.key.name)?;
        Some(policy.document)
    }

    /// The declared resources of kind `K`.
    pub(super) fn nodes<K: Kind>(&self) -> impl Iterator<Item = &'a Node> + use<'a, K> {
        let nodes = self.blueprint.nodes.values();
        nodes.filter(|node| node.key.kind == K::NAME)
    }

    /// What the resource `name` of kind `K` is in AWS.
    pub(super) fn attributes<K: Kind>(&self, name: &str) -> Option<K::Attributes> {
        let object = self.object(K::NAME, name)?;
        serde_json::from_value(object.attributes.clone()).ok()
    }

    fn object(&self, kind: &str, name: &str) -> Option<&'a Object> {
        let objects = self.world.owned.get(&NodeKey::new(kind, name))?;
        objects.iter().find(|object| stands(object)).or(objects.first())
    }

    /// What bears the project's tags and is not one of its resources, or is one that is there already; the latter are
    /// told by the flag. What holds data may be kept beyond the spec, and what is on its way out is none of it any more.
    pub(super) fn surplus(&self) -> impl Iterator<Item = (&'a NodeKey, &'a Object, bool)> {
        let (blueprint, owned) = (self.blueprint, &self.world.owned);
        owned.iter().flat_map(move |(node, objects)| {
            let declared = blueprint.nodes.contains_key(node);
            let kept = !declared && kinds::find(&node.kind).is_some_and(|kind| kind.holds_data());
            let standing = objects
                .iter()
                .filter(|object| stands(object))
                .skip(usize::from(declared));
            standing
                .filter(move |_| !kept)
                .map(move |object| (node, object, declared))
        })
    }

    /// What AWS knows a resource by.
    pub(super) fn id(&self, node: &NodeKey) -> Option<String> {
        let object = self.object(&node.kind, &node.name)?;
        Some(object.outputs.get("arn").unwrap_or(&object.id).clone())
    }

    /// That nothing can be told, where one of `kinds` could not be read.
    pub(super) fn unread(&self, kinds: &[&str]) -> Option<Finding> {
        let (kind, unread) = self
            .world
            .unread
            .iter()
            .find(|(kind, _)| kinds.contains(&kind.as_str()))?;
        Some(Finding {
            resource: kind.clone(),
            id: None,
            verdict: Verdict::Unknown,
            evidence: format!("they could not be read: {}", unread.why),
        })
    }

    /// What AWS calls the output `output` of a resource; of one that is gone something that nothing is called.
    pub(super) fn output(&self, kind: &str, name: &str, output: &str) -> String {
        let known = self.object(kind, name).and_then(|object| object.outputs.get(output));
        known.cloned().unwrap_or_else(|| format!("<{kind}/{name}.{output}>"))
    }

    /// What `node` shall be, with what AWS calls those that it refers to.
    pub(super) fn declared<K: Kind>(&self, node: &Node) -> Option<K::Attributes> {
        let mut value = node.attributes.clone();
        let known = |output: &Output| Some(self.output(&output.node.kind, &output.node.name, &output.name));
        resolve(&mut value, &known);
        serde_json::from_value(value).ok()
    }

    /// Each declared resource of kind `K`, with what AWS calls its output `output`.
    pub(super) fn outputs<K: Kind>(&self, output: &str) -> Vec<(&'a NodeKey, String)> {
        let named = |node: &'a Node| (&node.key, self.output(K::NAME, &node.key.name, output));
        self.nodes::<K>().map(named).collect()
    }

    /// The ids of the project's subnets.
    pub(super) fn subnets(&self) -> Vec<String> {
        let subnets = self.outputs::<Subnet>("id").into_iter();
        subnets.map(|(_, id)| id).collect()
    }

    /// What is found of each declared resource of kind `K`; one that is gone keeps no promise.
    pub(super) fn of_each<K: Kind>(&self, look: impl Fn(&Node, &K::Attributes) -> (bool, String)) -> Outcome {
        self.of_those::<K>(|_| true, look)
    }

    /// The same, of those that are `wanted`.
    pub(super) fn of_those<K: Kind>(
        &self,
        wanted: impl Fn(&Node) -> bool,
        look: impl Fn(&Node, &K::Attributes) -> (bool, String),
    ) -> Outcome {
        if let Some(unread) = self.unread(&[K::NAME]) {
            return Outcome::Found(vec![unread]);
        }
        let mut nodes = self.nodes::<K>().filter(|node| wanted(node)).peekable();
        if nodes.peek().is_none() {
            return Outcome::NotApplicable("the project declares none");
        }
        let findings = nodes.map(|node| {
            let (holds, evidence) = match self.attributes::<K>(&node.key.name) {
                Some(attributes) => look(node, &attributes),
                None => (false, "it is gone".to_owned()),
            };
            Finding {
                resource: node.key.to_string(),
                id: self.id(&node.key),
                verdict: if holds { Verdict::Pass } else { Verdict::Fail },
                evidence,
            }
        });
        Outcome::Found(findings.collect())
    }

    /// The policy of the resource that `arn` is, or is in: a bucket's, a key's, or a role's trust. Other keys and roles of
    /// the account are left to the policies of whoever asks; without a policy of theirs nobody would get anywhere.
    pub(super) fn resource_policy(&self, action: &str, arn: &str) -> Option<&Document> {
        for (name, policy) in &self.buckets {
            let bucket = self.output(Bucket::NAME, name, "arn");
            if arn == bucket || arn.starts_with(&format!("{bucket}/")) {
                return policy.as_ref();
            }
        }
        for (name, policy) in &self.keys {
            if self.output(KmsKey::NAME, name, "arn") == arn {
                return Some(policy);
            }
        }
        let assumes = action.starts_with("sts:AssumeRole");
        let mut roles = self.roles.iter().filter(|_| assumes);
        match roles.find(|(name, _)| self.output(IamRole::NAME, name, "arn") == arn) {
            Some((_, role)) => Some(&role.attributes.trust),
            None => (assumes || action.starts_with("kms:")).then_some(&self.delegating),
        }
    }

    /// The endpoint that leads to the service of `action`, with its policy; an endpoint without one lets all through.
    pub(super) fn endpoint(&self, action: &str) -> Option<(String, &Document)> {
        let (_, node) = ENDPOINTS.iter().find(|(start, _)| action.starts_with(start))?;
        let policy = self.endpoints.get(*node)?;
        let id = self.output(VpcEndpoint::NAME, node, "id");
        Some((id, policy.as_ref().unwrap_or(&EVERYBODY)))
    }
}

/// Which endpoint leads to the service of an action; the first that fits.
const ENDPOINTS: &[(&str, &str)] = &[
    ("sagemaker:CreatePresignedNotebookInstanceUrl", "notebook"),
    ("sagemaker:InvokeEndpoint", "sagemaker-runtime"),
    ("sagemaker:", "sagemaker-api"),
    ("s3:", "s3"),
    ("kms:", "kms"),
    ("sts:", "sts"),
    ("logs:", "logs"),
    ("cloudwatch:", "monitoring"),
    ("ssm:", "ssm"),
    ("ecr:", "ecr-api"),
    ("ec2:", "ec2"),
    ("codecommit:", "codecommit"),
    ("codeartifact:", "codeartifact-api"),
];
