//! REST with JSON bodies: the operation is in the method and the path.

use hyper::Method;

/// Service, method, path, operation. A `*` in a path stands for the rest up to what follows it.
const ROUTES: &[(&str, &str, &str, &str)] = &[
    ("resource-groups", "POST", "/groups", "CreateGroup"),
    ("resource-groups", "POST", "/delete-group", "DeleteGroup"),
    ("resource-groups", "POST", "/get-account-settings", "GetAccountSettings"),
    ("resource-groups", "POST", "/get-group", "GetGroup"),
    (
        "resource-groups",
        "POST",
        "/get-group-configuration",
        "GetGroupConfiguration",
    ),
    ("resource-groups", "POST", "/get-group-query", "GetGroupQuery"),
    ("resource-groups", "POST", "/group-resources", "GroupResources"),
    ("resource-groups", "POST", "/groups-list", "ListGroups"),
    ("resource-groups", "POST", "/list-group-resources", "ListGroupResources"),
    (
        "resource-groups",
        "POST",
        "/put-group-configuration",
        "PutGroupConfiguration",
    ),
    ("resource-groups", "POST", "/resources/search", "SearchResources"),
    ("resource-groups", "POST", "/ungroup-resources", "UngroupResources"),
    (
        "resource-groups",
        "POST",
        "/update-account-settings",
        "UpdateAccountSettings",
    ),
    ("resource-groups", "POST", "/update-group", "UpdateGroup"),
    ("resource-groups", "POST", "/update-group-query", "UpdateGroupQuery"),
    ("resource-groups", "GET", "/resources/*/tags", "GetTags"),
    ("resource-groups", "PUT", "/resources/*/tags", "Tag"),
    ("resource-groups", "PATCH", "/resources/*/tags", "Untag"),
    (
        "codeartifact",
        "POST",
        "/v1/authorization-token",
        "GetAuthorizationToken",
    ),
    ("codeartifact", "POST", "/v1/domain", "CreateDomain"),
    ("codeartifact", "GET", "/v1/domain", "DescribeDomain"),
    ("codeartifact", "DELETE", "/v1/domain", "DeleteDomain"),
    ("codeartifact", "POST", "/v1/domains", "ListDomains"),
    (
        "codeartifact",
        "GET",
        "/v1/domain/permissions/policy",
        "GetDomainPermissionsPolicy",
    ),
    (
        "codeartifact",
        "PUT",
        "/v1/domain/permissions/policy",
        "PutDomainPermissionsPolicy",
    ),
    (
        "codeartifact",
        "DELETE",
        "/v1/domain/permissions/policy",
        "DeleteDomainPermissionsPolicy",
    ),
    (
        "codeartifact",
        "POST",
        "/v1/domain/repositories",
        "ListRepositoriesInDomain",
    ),
    ("codeartifact", "POST", "/v1/packages", "ListPackages"),
    ("codeartifact", "POST", "/v1/repository", "CreateRepository"),
    ("codeartifact", "GET", "/v1/repository", "DescribeRepository"),
    ("codeartifact", "PUT", "/v1/repository", "UpdateRepository"),
    ("codeartifact", "DELETE", "/v1/repository", "DeleteRepository"),
    (
        "codeartifact",
        "GET",
        "/v1/repository/endpoint",
        "GetRepositoryEndpoint",
    ),
    (
        "codeartifact",
        "POST",
        "/v1/repository/external-connection",
        "AssociateExternalConnection",
    ),
    (
        "codeartifact",
        "DELETE",
        "/v1/repository/external-connection",
        "DisassociateExternalConnection",
    ),
    (
        "codeartifact",
        "GET",
        "/v1/repository/permissions/policy",
        "GetRepositoryPermissionsPolicy",
    ),
    (
        "codeartifact",
        "PUT",
        "/v1/repository/permissions/policy",
        "PutRepositoryPermissionsPolicy",
    ),
    (
        "codeartifact",
        "DELETE",
        "/v1/repository/permissions/policies",
        "DeleteRepositoryPermissionsPolicy",
    ),
    ("codeartifact", "POST", "/v1/repositories", "ListRepositories"),
    ("codeartifact", "POST", "/v1/tag", "TagResource"),
    ("codeartifact", "POST", "/v1/tags", "ListTagsForResource"),
    ("codeartifact", "POST", "/v1/untag", "UntagResource"),
    (
        "elasticfilesystem",
        "GET",
        "/2015-02-01/file-systems",
        "DescribeFileSystems",
    ),
    (
        "elasticfilesystem",
        "POST",
        "/2015-02-01/file-systems",
        "CreateFileSystem",
    ),
    (
        "elasticfilesystem",
        "DELETE",
        "/2015-02-01/file-systems/*",
        "DeleteFileSystem",
    ),
    (
        "elasticfilesystem",
        "GET",
        "/2015-02-01/mount-targets",
        "DescribeMountTargets",
    ),
    (
        "elasticfilesystem",
        "POST",
        "/2015-02-01/mount-targets",
        "CreateMountTarget",
    ),
    (
        "elasticfilesystem",
        "DELETE",
        "/2015-02-01/mount-targets/*",
        "DeleteMountTarget",
    ),
    ("sagemaker", "POST", "/endpoints/*/invocations", "InvokeEndpoint"),
    ("sagemaker", "PUT", "/BatchPutMetrics", "BatchPutMetrics"),
];

pub(super) fn recognise(service: &str, method: &Method, path: &str) -> Option<String> {
    ROUTES
        .iter()
        .find(|(of, by, pattern, _)| *of == service && method == by && fits(pattern, path))
        .map(|(.., name)| (*name).to_owned())
}

fn fits(pattern: &str, path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, end)) => path
            .strip_prefix(start)
            .and_then(|rest| rest.strip_suffix(end))
            .is_some_and(|middle| !middle.is_empty()),
    }
}
