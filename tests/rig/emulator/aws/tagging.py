"""The tagging API: more kinds of resources, each in its region, in pages that can be asked for again."""

from collections.abc import Iterator

from moto.codecommit.models import codecommit_backends
from moto.core.resource_tagging import (
    TaggedResource,
    iter_taggable_backends,
    make_tag_matcher,
    match_resource_type,
)
from moto.ec2.models import EC2Backend
from moto.ecr.models import ecr_backends
from moto.iam.models import iam_backends
from moto.resourcegroups.models import resourcegroups_backends
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.s3.models import S3Backend
from moto.utilities.utils import get_partition

from .paging import page
from .patching import adds, wraps

#: The names of types, where moto's differ from AWS's.
NAMES = {"logs:loggroup": "logs:log-group", "ec2:flow-logs": "ec2:vpc-flow-log"}

#: The CloudFormation name of each type, for resource groups.
CLOUDFORMATION = {
    "ec2:route-table": "AWS::EC2::RouteTable",
    "ec2:security-group": "AWS::EC2::SecurityGroup",
    "ec2:subnet": "AWS::EC2::Subnet",
    "ec2:vpc": "AWS::EC2::VPC",
    "ec2:vpc-endpoint": "AWS::EC2::VPCEndpoint",
    "ec2:vpc-flow-log": "AWS::EC2::FlowLog",
    "iam:policy": "AWS::IAM::ManagedPolicy",
    "iam:role": "AWS::IAM::Role",
    "kms:key": "AWS::KMS::Key",
    "logs:log-group": "AWS::Logs::LogGroup",
    "resource-groups:group": "AWS::ResourceGroups::Group",
    "s3:bucket": "AWS::S3::Bucket",
    "sagemaker:domain": "AWS::SageMaker::Domain",
    "sagemaker:notebook-instance": "AWS::SageMaker::NotebookInstance",
    "sagemaker:notebook-instance-lifecycle-config": "AWS::SageMaker::NotebookInstanceLifecycleConfig",
    "ssm:parameter": "AWS::SSM::Parameter",
}


def kind_of(resource: TaggedResource) -> str:
    """A resource's type by its CloudFormation name, as resource groups have it."""
    return CLOUDFORMATION.get(resource.resource_type, resource.resource_type)


@wraps(EC2Backend)
def iter_tagged_resources(original, self):
    """moto leaves out endpoints, network ACLs and rules of groups, and names flow logs otherwise."""
    yield from original(self)
    rules = (rule for group in self.group_by_id.values() for rule in group.ingress_rules + group.egress_rules)
    for kind, resources in (
        ("vpc-endpoint", self.vpc_end_points.values()),
        ("network-acl", self.network_acls.values()),
        ("security-group-rule", rules),
        ("dhcp-options", self.dhcp_options_sets.values()),
    ):
        for resource in resources:
            tags = self.tags.get(resource.id)
            if tags:
                arn = f"arn:{self.partition}:ec2:{self.region_name}:{self.account_id}:{kind}/{resource.id}"
                yield TaggedResource(arn=arn, tags=dict(tags), resource_type=f"ec2:{kind}")


def as_dict(tags) -> dict[str, str]:
    """Tags as moto's services keep them: a mapping, or a list, or a mapping to single tags."""
    if isinstance(tags, dict):
        return {key: tag["Value"] if isinstance(tag, dict) else tag for key, tag in tags.items()}
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def added(account: str, region: str) -> Iterator[TaggedResource]:
    """Resources of services that take no part in moto's tagging API. IAM's are in us-east-1."""
    for group in list(resourcegroups_backends[account][region].groups.by_name.values()):
        yield TaggedResource(group.arn, dict(group.tags or {}), "resource-groups:group")
    for repository in list(ecr_backends[account][region].repositories.values()):
        tags = ecr_backends[account][region].tagger.get_tag_dict_for_resource(repository.arn)
        yield TaggedResource(repository.arn, tags, "ecr:repository")
    for repository in list(codecommit_backends[account][region].repositories.values()):
        arn = repository.repository_metadata["Arn"]
        yield TaggedResource(arn, dict(getattr(repository, "tags", {})), "codecommit:repository")
    if region == "us-east-1":
        iam = iam_backends[account][get_partition(region)]
        for role in list(iam.roles.values()):
            yield TaggedResource(role.arn, as_dict(role.tags), "iam:role")
        for policy in list(iam.managed_policies.values()):
            if policy.tags:
                yield TaggedResource(policy.arn, as_dict(policy.tags), "iam:policy")


def everything(account: str, region: str) -> Iterator[TaggedResource]:
    """All that can be tagged in the region; a bucket is in the region it was made in."""
    for backend in iter_taggable_backends(account, region):
        for resource in backend.iter_tagged_resources():
            resource.resource_type = NAMES.get(resource.resource_type, resource.resource_type)
            if resource.resource_type == "ec2:vpc-flow-log":
                resource.arn = resource.arn.replace(":flow-logs/", ":vpc-flow-log/")
            if isinstance(backend, S3Backend):
                bucket = backend.buckets.get(resource.arn.rpartition(":")[2])
                if bucket is not None and bucket.region_name != region:
                    continue
            yield resource
    yield from added(account, region)


def matching(account: str, region: str, tag_filters: list[dict] | None) -> Iterator[TaggedResource]:
    """What has tags, and those asked for."""
    matches = make_tag_matcher(tag_filters)
    return (resource for resource in everything(account, region) if resource.tags and matches(resource.tags))


@adds(ResourceGroupsTaggingAPIBackend)
def get_resources(
    self,
    pagination_token=None,
    resources_per_page=50,
    tags_per_page=100,
    tag_filters=None,
    resource_type_filters=None,
    resource_arn_list=None,
):
    """A page may be asked for twice, as clients do whose connection broke; moto's tokens work once."""
    arns = set(resource_arn_list or [])
    found = [
        resource
        for resource in matching(self.account_id, self.region_name, tag_filters)
        if match_resource_type(resource.resource_type, resource_type_filters) and (not arns or resource.arn in arns)
    ]
    shown, token = page(found, resources_per_page, pagination_token, "PaginationTokenExpiredException")
    return token or "", shown


@adds(ResourceGroupsTaggingAPIBackend)
def _get_tag_keys_generator(self):
    return iter(sorted({key for resource in everything(self.account_id, self.region_name) for key in resource.tags}))


@adds(ResourceGroupsTaggingAPIBackend)
def _get_tag_values_generator(self, tag_key):
    resources = everything(self.account_id, self.region_name)
    return iter(sorted({resource.tags[tag_key] for resource in resources if tag_key in resource.tags}))
