"""S3: what a new bucket has, and bucket policies that are policies."""

import json

import xmltodict
from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, PublicAccessBlock, S3Backend
from moto.s3.responses import S3Response
from moto.s3.utils import bucket_policy_is_public

from .patching import AwsError, adds, wraps
from .policies import Malformed, as_list, aws_principals, missing, statements

#: The encryption of a bucket that was given none, as moto keeps it.
DEFAULT_ENCRYPTION = {
    "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
}


class S3Error(AwsError, S3ClientError):
    """An error of the kind that moto's S3 knows how to answer."""


@wraps(S3Backend)
def create_bucket(original, self, *args, **kwargs):
    """Since 2023 a new bucket is encrypted, private to its owner, and closed to the public."""
    bucket = original(self, *args, **kwargs)
    bucket.encryption = DEFAULT_ENCRYPTION
    bucket.public_access_block = PublicAccessBlock(True, True, True, True)
    bucket.ownership_rule = "BucketOwnerEnforced"
    return bucket


@wraps(S3Backend)
def delete_bucket_encryption(original, self, bucket_name):
    """The default comes back."""
    original(self, bucket_name)
    self.get_bucket(bucket_name).encryption = DEFAULT_ENCRYPTION


@wraps(S3Response)
def _bucket_response_put(original, self, request, bucket_name, querystring):
    """A bucket can be created with tags."""
    answer = original(self, request, bucket_name, querystring)
    if not querystring and self.body:
        configuration = xmltodict.parse(self.body).get("CreateBucketConfiguration") or {}
        tags = (configuration.get("Tags") or {}).get("Tag")
        if tags:
            self.backend.put_bucket_tagging(bucket_name, {tag["Key"]: tag.get("Value") or "" for tag in as_list(tags)})
    return answer


@adds(S3Response)
def get_bucket_versioning(self):
    """moto names the answer after the operation."""
    status = self.backend.get_bucket_versioning(self.bucket_name)
    inner = f"<Status>{status}</Status>" if status else ""
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    return 200, {}, f'<VersioningConfiguration xmlns="{namespace}">{inner}</VersioningConfiguration>'


def check_policy(backend: S3Backend, bucket: FakeBucket, text: str) -> None:
    """The statements are about this bucket, and their principals exist."""
    if not text.startswith("{"):
        raise Malformed("Policies must be valid JSON and the first byte must be '{'")
    found = statements(text, principal=True, resource=True)
    for principal in aws_principals(found):
        if missing(principal, backend.account_id, bucket.partition):
            raise Malformed("Invalid principal in policy")
    arn = f"arn:{bucket.partition}:s3:::{bucket.name}"
    for statement in found:
        for resource in as_list(statement.get("Resource", statement.get("NotResource"))):
            if resource != arn and not str(resource).startswith(f"{arn}/") and not str(resource).startswith(f"{arn}*"):
                raise Malformed("Policy has invalid resource")


@wraps(S3Backend)
def put_bucket_policy(original, self, bucket_name, policy):
    """moto keeps any text. A policy that opens the bucket is refused while that is blocked."""
    bucket = self.get_bucket(bucket_name)
    text = policy.decode() if isinstance(policy, bytes) else policy
    try:
        check_policy(self, bucket, text)
    except Malformed as error:
        raise S3Error("MalformedPolicy", str(error)) from None
    block = bucket.public_access_block
    if block and block.block_public_policy and bucket_policy_is_public(json.dumps(json.loads(text))):
        raise S3Error(
            "AccessDenied",
            "The requester is not authorized to perform: s3:PutBucketPolicy because public policies are blocked by "
            "the BlockPublicPolicy block public access setting.",
            status=403,
        )
    original(self, bucket_name, policy)


@adds(FakeBucket)
def get_permission(self, action, resource):
    """moto enforces bucket policies without their conditions; nothing is enforced here."""
    return PermissionResult.NEUTRAL
