//! What can be fresh, where its id stands, and what its service says when it is not seen yet.

/// One kind of AWS object.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) service: &'static str,
    /// The operation that makes one.
    pub(super) create: &'static str,
    /// The element or field with the new one's id, in the answer, or else in the request.
    pub(super) created: &'static str,
    /// The operations that list them.
    pub(super) lists: &'static [&'static str],
    /// What an entry of a list is called; in JSON, the list itself.
    pub(super) item: &'static str,
    /// Where an entry has its id.
    pub(super) key: &'static str,
    /// The parameters by which one is named.
    pub(super) params: &'static [&'static str],
    /// Status, code and message when one is not found.
    pub(super) not_found: (u16, &'static str, &'static str),
}

const fn ec2(
    create: &'static str,
    lists: &'static [&'static str],
    key: &'static str,
    params: &'static [&'static str],
    code: &'static str,
    message: &'static str,
) -> Kind {
    Kind {
        service: "ec2",
        create,
        created: key,
        lists,
        item: "item",
        key,
        params,
        not_found: (400, code, message),
    }
}

pub(super) const KINDS: &[Kind] = &[
    ec2(
        "CreateVpc",
        &["DescribeVpcs"],
        "vpcId",
        &["VpcId"],
        "InvalidVpcID.NotFound",
        "The vpc ID '{}' does not exist",
    ),
    ec2(
        "CreateSubnet",
        &["DescribeSubnets"],
        "subnetId",
        &["SubnetId"],
        "InvalidSubnetID.NotFound",
        "The subnet ID '{}' does not exist",
    ),
    ec2(
        "CreateSecurityGroup",
        &["DescribeSecurityGroups"],
        "groupId",
        &["GroupId"],
        "InvalidGroup.NotFound",
        "The security group '{}' does not exist",
    ),
    ec2(
        "CreateRouteTable",
        &["DescribeRouteTables"],
        "routeTableId",
        &["RouteTableId"],
        "InvalidRouteTableID.NotFound",
        "The routeTable ID '{}' does not exist",
    ),
    ec2(
        "CreateNetworkAcl",
        &["DescribeNetworkAcls"],
        "networkAclId",
        &["NetworkAclId"],
        "InvalidNetworkAclID.NotFound",
        "The networkAcl ID '{}' does not exist",
    ),
    ec2(
        "CreateInternetGateway",
        &["DescribeInternetGateways"],
        "internetGatewayId",
        &["InternetGatewayId"],
        "InvalidInternetGatewayID.NotFound",
        "The internetGateway ID '{}' does not exist",
    ),
    ec2(
        "CreateVpcEndpoint",
        &["DescribeVpcEndpoints"],
        "vpcEndpointId",
        &["VpcEndpointId"],
        "InvalidVpcEndpointId.NotFound",
        "The Vpc Endpoint Id '{}' does not exist",
    ),
    Kind {
        created: "item",
        ..ec2(
            "CreateFlowLogs",
            &["DescribeFlowLogs"],
            "flowLogId",
            &["FlowLogId"],
            "InvalidFlowLogId.NotFound",
            "The flow log ID '{}' does not exist",
        )
    },
    Kind {
        service: "iam",
        create: "CreateRole",
        created: "RoleName",
        lists: &["ListRoles", "GetAccountAuthorizationDetails"],
        item: "member",
        key: "RoleName",
        params: &["RoleName"],
        not_found: (404, "NoSuchEntity", "The role with name {} cannot be found."),
    },
    Kind {
        service: "iam",
        create: "CreatePolicy",
        created: "Arn",
        lists: &["ListPolicies", "GetAccountAuthorizationDetails"],
        item: "member",
        key: "Arn",
        params: &["PolicyArn"],
        not_found: (404, "NoSuchEntity", "Policy {} does not exist or is not attachable."),
    },
    Kind {
        service: "s3",
        create: "CreateBucket",
        created: "",
        lists: &["ListBuckets"],
        item: "Bucket",
        key: "Name",
        params: &[],
        not_found: (404, "NoSuchBucket", "The specified bucket does not exist"),
    },
    Kind {
        service: "kms",
        create: "CreateKey",
        created: "KeyId",
        lists: &["ListKeys"],
        item: "Keys",
        key: "KeyId",
        params: &["KeyId"],
        not_found: (400, "NotFoundException", "Key '{}' does not exist"),
    },
    Kind {
        service: "kms",
        create: "CreateAlias",
        created: "AliasName",
        lists: &["ListAliases"],
        item: "Aliases",
        key: "AliasName",
        params: &["KeyId"],
        not_found: (400, "NotFoundException", "Alias {} is not found."),
    },
    Kind {
        service: "sagemaker",
        create: "CreateNotebookInstance",
        created: "NotebookInstanceName",
        lists: &["ListNotebookInstances"],
        item: "NotebookInstances",
        key: "NotebookInstanceName",
        params: &["NotebookInstanceName"],
        not_found: (400, "ValidationException", "RecordNotFound"),
    },
    Kind {
        service: "logs",
        create: "CreateLogGroup",
        created: "logGroupName",
        lists: &["DescribeLogGroups"],
        item: "logGroups",
        key: "logGroupName",
        params: &["logGroupName"],
        not_found: (
            400,
            "ResourceNotFoundException",
            "The specified log group does not exist.",
        ),
    },
    Kind {
        service: "sagemaker",
        create: "CreateNotebookInstanceLifecycleConfig",
        created: "NotebookInstanceLifecycleConfigName",
        lists: &["ListNotebookInstanceLifecycleConfigs"],
        item: "NotebookInstanceLifecycleConfigs",
        key: "NotebookInstanceLifecycleConfigName",
        params: &["NotebookInstanceLifecycleConfigName", "LifecycleConfigName"],
        not_found: (400, "ValidationException", "RecordNotFound"),
    },
    Kind {
        service: "ssm",
        create: "PutParameter",
        created: "Name",
        lists: &["DescribeParameters", "GetParameters", "GetParametersByPath"],
        item: "Parameters",
        key: "Name",
        params: &["Name", "ResourceId"],
        not_found: (400, "ParameterNotFound", "Parameter {} not found."),
    },
    Kind {
        service: "resource-groups",
        create: "CreateGroup",
        created: "Name",
        lists: &["ListGroups"],
        item: "GroupIdentifiers",
        key: "GroupName",
        params: &["Group", "GroupName"],
        not_found: (404, "NotFoundException", "Cannot find group: {}"),
    },
];
