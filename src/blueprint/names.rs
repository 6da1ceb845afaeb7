//! The names of a project's resources, and the ARNs that follow from them.
//!
//! Names are those of the published design. Policies name roles, buckets and notebooks by the ARNs of these names,
//! not by reference: a key policy can then speak of a role that needs the key.

use sha2::{Digest, Sha256};

use super::Project;
use crate::model::Account;

impl Project {
    /// `P-E`, the ending of the project's names.
    pub fn suffix(&self) -> String {
        format!("{}-{}", self.name, self.environment.as_str())
    }

    /// A name of the published design: `ds-<what>-P-E`.
    pub fn named(&self, what: &str) -> String {
        format!("ds-{what}-{}", self.suffix())
    }

    /// A name that belongs to one notebook: `ds-<what>-P-E-U`.
    pub fn named_for(&self, what: &str, notebook: &str) -> String {
        format!("ds-{what}-{}-{notebook}", self.suffix())
    }

    /// A bucket's name: `ds-<what>-P-E-<hash>`. Bucket names are global, so a hash of account, region and owner
    /// ends them.
    pub fn bucket(&self, what: &str) -> String {
        let Account { id, region, .. } = &self.account;
        let digest = Sha256::digest(format!("{id} {region} {}", self.owner));
        let hash: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
        format!("ds-{what}-{}-{hash}", self.suffix())
    }

    /// The bucket that holds data. One that is adopted keeps its name.
    pub fn data_bucket(&self) -> String {
        let adopted = self.adopted_name("Bucket/data");
        adopted.unwrap_or_else(|| self.bucket("data-bucket"))
    }

    /// The bucket that holds models. One that is adopted keeps its name.
    pub fn model_bucket(&self) -> String {
        let adopted = self.adopted_name("Bucket/model");
        adopted.unwrap_or_else(|| self.bucket("model-bucket"))
    }

    /// The role of people who administer the project.
    pub fn admin_role(&self) -> String {
        self.named("admin-role")
    }

    /// The role of people who work in the project.
    pub fn user_role(&self) -> String {
        self.named("user-role")
    }

    /// The role that AWS Service Catalog may launch notebooks with.
    pub fn launch_role(&self) -> String {
        self.named("sc-launch-role")
    }

    /// The role that delivers VPC flow logs.
    pub fn flow_logs_role(&self) -> String {
        self.named("flow-logs-role")
    }

    /// The execution role of the notebook `name` and of the jobs started in it. Its path is
    /// [`Project::notebook_role_path`].
    pub fn notebook_role(&self, name: &str) -> String {
        self.named_for("notebook-role", name)
    }

    /// The permissions boundary of the execution roles.
    pub fn boundary(&self) -> String {
        self.named("boundary")
    }

    /// The permissions boundary of the administrators' role.
    pub fn admin_boundary(&self) -> String {
        self.named("admin-boundary")
    }

    /// The permissions boundary of the role that launches notebooks.
    pub fn launch_boundary(&self) -> String {
        self.named("launch-boundary")
    }

    /// The permissions boundary of the other roles.
    pub fn access_boundary(&self) -> String {
        self.named("access-boundary")
    }

    /// The SageMaker notebook instance of the notebook `name`.
    pub fn notebook(&self, name: &str) -> String {
        self.named_for("notebook", name)
    }

    /// The log group of the VPC's flow logs.
    pub fn flow_log_group(&self) -> String {
        self.named("vpc-flow-logs")
    }

    /// Where the execution roles of the project's notebooks stand in IAM, and no other role: one pattern names them
    /// all, and none of a project whose name begins alike. It is not under `/service-role/`, where the console makes
    /// roles for people who may make no others.
    pub fn notebook_role_path(&self) -> String {
        format!("/secureml/{}/", self.suffix())
    }

    /// The ARN of the execution role of the notebook `name`.
    pub fn notebook_role_arn(&self, name: &str) -> String {
        self.iam_arn(&format!(
            "role{}{}",
            self.notebook_role_path(),
            self.notebook_role(name)
        ))
    }

    /// The pattern of the ARN of the role `name`, wherever it stands. No two roles of an account are called alike.
    pub fn role_arn_anywhere(&self, name: &str) -> String {
        self.iam_arn(&format!("role/*/{name}"))
    }

    /// The pattern of the ARNs of the execution roles of all notebooks.
    pub fn notebook_role_arns(&self) -> String {
        self.iam_arn(&format!("role{}*", self.notebook_role_path()))
    }

    /// The patterns that match the ARN of the controller's own identity. The ARN of a session tells its role's name and
    /// not the path.
    pub fn controller(&self) -> Vec<String> {
        let caller = &self.account.caller;
        let session = caller.split_once(":assumed-role/").map(|(_, session)| session);
        match session.and_then(|session| session.split('/').next()) {
            Some(role) => vec![
                self.iam_arn(&format!("role/{role}")),
                self.iam_arn(&format!("role/*/{role}")),
            ],
            None => vec![caller.clone()],
        }
    }

    /// The ARN of the role `name`.
    pub fn role_arn(&self, name: &str) -> String {
        self.iam_arn(&format!("role/{name}"))
    }

    /// An ARN in the project's account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        let Account {
            partition, id, region, ..
        } = &self.account;
        format!("arn:{partition}:{service}:{region}:{id}:{resource}")
    }

    /// An ARN of IAM, which has no region.
    pub fn iam_arn(&self, resource: &str) -> String {
        let Account { partition, id, .. } = &self.account;
        format!("arn:{partition}:iam::{id}:{resource}")
    }

    /// The ARN of the bucket `name`, or of something in it.
    pub fn s3_arn(&self, name: &str) -> String {
        format!("arn:{}:s3:::{name}", self.account.partition)
    }
}
