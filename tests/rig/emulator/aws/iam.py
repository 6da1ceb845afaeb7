"""IAM: conflicts on deletion, trust policies that are policies, paged details."""

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.iam.models import IAMBackend, ManagedPolicy
from moto.iam.responses import IamResponse

from .paging import page
from .patching import AwsError, adds, wraps
from .policies import Malformed, as_list, aws_principals, missing, statements


def check_trust(backend: IAMBackend, text: str) -> None:
    """A trust policy has principals that exist, no resource, and only actions of STS."""
    try:
        found = statements(text, principal=True, resource=False)
        for statement in found:
            if "Resource" in statement or "NotResource" in statement:
                raise Malformed("Has prohibited field Resource")
            if any(not action.lower().startswith("sts:") for action in as_list(statement.get("Action", []))):
                raise Malformed("AssumeRole policy may only specify STS AssumeRole actions.")
        for principal in aws_principals(found):
            if missing(principal, backend.account_id, backend.partition):
                raise Malformed(f'Invalid principal in policy: "AWS":"{principal}"')
    except Malformed as error:
        raise AwsError("MalformedPolicyDocument", str(error)) from None


def check_boundary(backend: IAMBackend, arn: str | None) -> None:
    """A permissions boundary is a policy that exists."""
    if arn and arn not in backend.managed_policies:
        raise AwsError("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.")


@wraps(IAMBackend)
def create_role(original, self, role_name, assume_role_policy_document, path, permissions_boundary, *args, **kwargs):
    """moto takes any text for a trust policy."""
    check_trust(self, assume_role_policy_document)
    check_boundary(self, permissions_boundary)
    return original(self, role_name, assume_role_policy_document, path, permissions_boundary, *args, **kwargs)


@adds(IAMBackend)
def update_assume_role_policy(self, role_name, policy_document):
    role = self.get_role(role_name)
    check_trust(self, policy_document)
    role.assume_role_policy_document = policy_document


@wraps(IAMBackend)
def put_role_permissions_boundary(original, self, role_name, permissions_boundary):
    self.get_role(role_name)
    check_boundary(self, permissions_boundary)
    original(self, role_name, permissions_boundary)


@wraps(IAMBackend)
def delete_policy(original, self, policy_arn):
    """Refused while it is attached, is a boundary, or has more than its default version."""
    policy = self.get_policy(policy_arn)
    if policy.attachment_count:
        raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.")
    if boundary_uses(self).get(policy_arn):
        raise AwsError("DeleteConflict", "Cannot delete a policy that is used as a permissions boundary.")
    if len(policy.versions) > 1:
        raise AwsError(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's "
            "versions. The default version is deleted with the policy.",
        )
    return original(self, policy_arn)


@wraps(IAMBackend)
def create_policy_version(original, self, policy_arn, *args, **kwargs):
    """A new version changes the policy's date."""
    version = original(self, policy_arn, *args, **kwargs)
    self.get_policy(policy_arn).update_date = utcnow()
    return version


def boundary_uses(backend: IAMBackend) -> dict[str, int]:
    """How many roles and users have each policy as their boundary."""
    uses: dict[str, int] = {}
    for entity in (*backend.roles.values(), *backend.users.values()):
        arn = getattr(entity, "permissions_boundary_arn", None)
        if arn:
            uses[arn] = uses.get(arn, 0) + 1
    return uses


# moto answers with a policy's name and id only where it makes the answer by hand.
ManagedPolicy.policy_name = property(lambda policy: policy.name)
ManagedPolicy.policy_id = property(lambda policy: policy.id)


class Detail:
    """One entity of the account's details, and the list it is answered in."""

    def __init__(self, key: str, value: object) -> None:
        self.key = key
        self.value = value
        self.arn = getattr(value, "arn", "")


@adds(IamResponse)
def get_account_authorization_details(self):
    """Paged through all its lists together, 100 entities a page; with the boundary's use count."""
    kinds = self._get_param("Filter", [])
    backend = self.backend
    details = []
    for key, kind, values in (
        ("UserDetailList", "User", backend.users.values()),
        ("GroupDetailList", "Group", backend.groups.values()),
        ("RoleDetailList", "Role", backend.roles.values()),
    ):
        if not kinds or kind in kinds:
            details += [Detail(key, value) for value in values]
    uses = boundary_uses(backend)
    aws = {policy.arn for policy in backend.aws_managed_policies} if kinds else set()
    for policy in backend.managed_policies.values():
        kind = "AWSManagedPolicy" if policy.arn in aws else "LocalManagedPolicy"
        if not kinds or kind in kinds:
            policy.permissions_boundary_usage_count = uses.get(policy.arn, 0)
            details.append(Detail("Policies", policy))
    shown, marker = page(
        details, min(int(self._get_param("MaxItems", 100)), 1000), self._get_param("Marker"), "InvalidInput"
    )
    result: dict = {key: [] for key in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")}
    for detail in shown:
        result[detail.key].append(detail.value)
    result["IsTruncated"] = bool(marker)
    if marker:
        result["Marker"] = marker
    return ActionResult(result)
