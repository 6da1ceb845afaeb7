use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{EachItem, Rule};

/// Who may use the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Access {
    /// ARNs of the IAM roles, users or account roots that may take the project's administrator role; at most 20. Empty:
    /// every principal of the account that IAM allows to.
    #[schemars(length(max = 20), inner(length(max = 600)))]
    #[schemars(extend("x-kubernetes-list-type" = "set"), transform = EachItem(PRINCIPAL))]
    pub admin_principals: Vec<String>,
    /// ARNs of the IAM roles, users or account roots that may take the project's user role; at most 20. Empty: every
    /// principal of the account that IAM allows to.
    #[schemars(length(max = 20), inner(length(max = 600)))]
    #[schemars(extend("x-kubernetes-list-type" = "set"), transform = EachItem(PRINCIPAL))]
    pub user_principals: Vec<String>,
}

const PRINCIPAL: &[Rule] = &[Rule::new(
    "self.matches('^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(root|(role|user)/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]+)$')",
    "must be the ARN of an IAM role, an IAM user or an account's root, without wildcards, such as \
     arn:aws:iam::111122223333:role/data-science",
)];
