use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may use the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Access {
    /// ARNs of the IAM principals that may take the project's administrator role; every principal of the account
    /// that IAM allows to, when empty.
    pub admin_principals: Vec<String>,
    /// ARNs of the IAM principals that may take the project's user role; every principal of the account that IAM
    /// allows to, when empty.
    pub user_principals: Vec<String>,
}
