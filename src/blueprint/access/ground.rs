//! What every policy of a project is built from: its ARNs, its tags, its network and keys, and its guardrails.

use super::others;
use super::settings::Settings;
use crate::api::VolumeKey;
use crate::blueprint::Project;
use crate::model::Account;
use crate::policy::{Condition, Key, One, Statement, Text, global};

/// See the module.
pub(super) struct Ground<'a> {
    pub(super) project: &'a Project,
    pub(super) settings: Settings,
    pub(super) subnets: Vec<String>,
    pub(super) group: String,
    pub(super) key: String,
    /// The endpoints that notebooks are opened through.
    pub(super) notebook_endpoints: [String; 2],
}

impl<'a> Ground<'a> {
    pub(super) fn new(project: &'a Project) -> Self {
        Self {
            settings: Settings::new(&project.spec.guardrails),
            subnets: others::subnets(project),
            group: others::group(),
            key: others::key(),
            notebook_endpoints: others::notebook_endpoints(),
            project,
        }
    }

    pub(super) fn account(&self) -> &Account {
        &self.project.account
    }

    /// The resource carries the project's tags. Names would not do: those of a neighbour may begin like ours.
    pub(super) fn tagged(&self) -> [Condition; 2] {
        self.tags(global::resource_tag, self.settings.project_tags)
    }

    /// The resource is one that this program made, and so carries the tags whatever the spec demands of others.
    pub(super) fn made(&self) -> [Condition; 2] {
        self.tags(global::resource_tag, true)
    }

    /// As [`Ground::tagged`], or the resource is only being made.
    pub(super) fn tagged_if_present(&self) -> [Condition; 2] {
        self.tags(global::resource_tag, false)
    }

    /// What is made is given the project's tags.
    pub(super) fn tagging(&self) -> [Condition; 2] {
        self.tags(global::request_tag, self.settings.project_tags)
    }

    fn tags(&self, key: impl Fn(&str) -> Key<One, Text>, demanded: bool) -> [Condition; 2] {
        let Project { name, environment, .. } = self.project;
        let tags = [
            ("ProjectName", name.as_str()),
            ("EnvironmentType", environment.as_str()),
        ];
        tags.map(|(tag, value)| {
            let key = key(tag);
            if demanded {
                key.is([value])
            } else {
                key.is_if_present([value])
            }
        })
    }

    /// The role of the notebook `name`, as it is handed on.
    pub(super) fn notebook_role(&self, name: &str) -> String {
        self.project.role_arn_anywhere(&self.project.notebook_role(name))
    }

    /// The roles of all notebooks.
    pub(super) fn notebook_roles(&self) -> Vec<String> {
        let notebooks = self.project.spec.notebooks.iter();
        notebooks.map(|notebook| self.notebook_role(&notebook.name)).collect()
    }

    /// The ARN of the notebook `name`. SageMaker keeps names of notebooks in lower case in ARNs.
    pub(super) fn notebook(&self, name: &str) -> String {
        let name = self.project.notebook(name).to_lowercase();
        self.project.arn("sagemaker", &format!("notebook-instance/{name}"))
    }

    /// The ARN of the script of notebooks.
    pub(super) fn lifecycle(&self) -> String {
        let name = self.project.named("notebook-lifecycle").to_lowercase();
        let resource = format!("notebook-instance-lifecycle-config/{name}");
        self.project.arn("sagemaker", &resource)
    }

    /// The ARNs of the two buckets.
    pub(super) fn buckets(&self) -> [String; 2] {
        let Self { project, .. } = self;
        [project.data_bucket(), project.model_bucket()].map(|name| project.s3_arn(&name))
    }

    /// `statement` about every key of the project: the one, or all that bear the project's tags where each notebook has
    /// its own. A list would grow with the notebooks beyond what IAM takes.
    pub(super) fn on_keys(&self, statement: Statement) -> Statement {
        match self.project.spec.encryption.notebook_volume_key {
            VolumeKey::Shared => statement.resources([&self.key]),
            VolumeKey::PerNotebook => statement
                .resources([self.project.arn("kms", "key/*")])
                .given_all(self.made()),
        }
    }

    /// The ARN pattern of the log groups of SageMaker, which all projects of an account share.
    pub(super) fn sagemaker_logs(&self) -> String {
        self.project.arn("logs", "log-group:/aws/sagemaker/*")
    }

    /// Passing `roles`, by their ARNs or patterns, to SageMaker. The action knows no tags of roles.
    pub(super) fn pass(roles: impl IntoIterator<Item = String>) -> Statement {
        let statement = Statement::allow("Pass").actions(["iam:PassRole"]).resources(roles);
        statement.given(global::PASSED_TO.is(["sagemaker.amazonaws.com"]))
    }
}
