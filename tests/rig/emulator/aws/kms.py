"""KMS: policies that are policies, states that refuse, rotation periods, pages."""

import datetime
import json

import moto.kms.responses
from moto.core.utils import unix_time, utcnow
from moto.kms.models import Key
from moto.kms.responses import KmsResponse
from moto.utilities.utils import get_partition

from .paging import limit, page
from .patching import AwsError, adds, put_around, wraps
from .policies import Malformed, as_list, aws_principals, missing, statements

# moto refuses DescribeKey after a rough look at the policy; nothing is enforced here.
moto.kms.responses.validate_policy = lambda *_: None


def default_policy(name: str | None) -> None:
    """A key has one policy, whose name may be left out."""
    if name not in (None, "default"):
        raise AwsError("NotFoundException", "No such policy exists")


moto.kms.responses._assert_default_policy = default_policy

#: What a disabled key does not do.
NOT_DISABLED = (
    "create_grant decrypt disable_key_rotation enable_key_rotation encrypt generate_data_key "
    "generate_data_key_without_plaintext generate_mac get_public_key re_encrypt rotate_key_on_demand sign verify "
    "verify_mac"
).split()

#: What a key that is pending deletion does not do, besides.
NOT_PENDING = (
    "create_alias disable_key enable_key schedule_key_deletion tag_resource untag_resource update_alias "
    "update_key_description"
).split()


def key_of(response: KmsResponse, name: str = "KeyId"):
    """The key of the call, by id, ARN or alias, or None."""
    key_id = response._get_param(name)
    if not key_id:
        return None
    response._validate_key_id(key_id)
    return response.kms_backend.keys[response.kms_backend.any_id_to_key_id(key_id)]


def usable(original, self):
    """Refuses a key that is disabled or pending deletion."""
    action = original.__name__
    key = key_of(self, "TargetKeyId" if action.endswith("_alias") else "KeyId")
    if key is not None:
        if key.key_state == "PendingDeletion":
            raise AwsError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        if key.key_state == "Disabled" and action in NOT_DISABLED:
            raise AwsError("DisabledException", f"{key.arn} is disabled.")
    return original(self)


for method in NOT_DISABLED + NOT_PENDING:
    if hasattr(KmsResponse, method):
        put_around(KmsResponse, method, usable)


@wraps(KmsResponse)
def cancel_key_deletion(original, self):
    """Only of a key that is pending deletion."""
    key = key_of(self)
    if key.key_state != "PendingDeletion":
        raise AwsError("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    return original(self)


@wraps(KmsResponse)
def schedule_key_deletion(original, self):
    """The window is between 7 and 30 days; the answer has the window and the state."""
    days = self._get_param("PendingWindowInDays")
    if days is not None and not 7 <= int(days) <= 30:
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: "
            "Member must have value between 7 and 30",
        )
    answer = json.loads(original(self))
    key = key_of(self)
    answer |= {"KeyId": key.arn, "KeyState": "PendingDeletion", "PendingWindowInDays": int(days or 30)}
    return json.dumps(answer)


def check_policy(response: KmsResponse, text: str) -> None:
    """A policy names existing principals, and leaves the account a way to change it."""
    if len(text) > 32768:
        raise AwsError("LimitExceededException", "The policy document is too long.")
    account = response.current_account
    try:
        found = statements(text, principal=True, resource=True)
        principals = aws_principals(found)
    except Malformed as error:
        raise AwsError("MalformedPolicyDocumentException", str(error)) from None
    for principal in principals:
        if missing(principal, account, get_partition(response.region)):
            raise AwsError(
                "MalformedPolicyDocumentException",
                "Policy contains a statement with one or more invalid principals.",
            )
    if response._get_param("BypassPolicyLockoutSafetyCheck"):
        return
    for statement in found:
        actions = {action.lower() for action in as_list(statement.get("Action", []))}
        allowed = actions & {"*", "kms:*", "kms:put*", "kms:putkeypolicy"} and statement["Effect"] == "Allow"
        if allowed and any(each == "*" or account in each for each in aws_principals([statement])):
            return
    raise AwsError(
        "MalformedPolicyDocumentException",
        "The new key policy will not allow you to update the key policy in the future.",
    )


@wraps(KmsResponse)
def create_key(original, self):
    """With a policy, a valid one; with tags, each key once."""
    if self._get_param("Policy"):
        check_policy(self, self._get_param("Policy"))
    keys = [tag["TagKey"] for tag in self._get_param("Tags") or []]
    if len(set(keys)) < len(keys):
        raise AwsError("TagException", "Duplicate tag keys")
    return original(self)


@wraps(Key)
def __init__(original, self, policy, key_usage, *args, **kwargs):  # noqa: N807
    original(self, policy, key_usage or "ENCRYPT_DECRYPT", *args, **kwargs)
    self.multi_region = bool(self.multi_region)


@wraps(Key)
def to_dict(original, self):
    """Only a signing key has signing algorithms."""
    answer = original(self)
    answer["KeyMetadata"] = {name: value for name, value in answer["KeyMetadata"].items() if value not in (None, [])}
    return answer


@wraps(KmsResponse)
def put_key_policy(original, self):
    key_of(self)
    check_policy(self, self._get_param("Policy") or "")
    return original(self)


@wraps(KmsResponse)
def get_key_policy(original, self):
    """The answer has the policy's name."""
    return json.dumps({**json.loads(original(self)), "PolicyName": "default"})


@wraps(KmsResponse)
def enable_key_rotation(original, self):
    """With a period, of 90 to 2560 days; 365 unless given."""
    days = self._get_param("RotationPeriodInDays")
    if days is not None and not 90 <= int(days) <= 2560:
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{days}' at 'rotationPeriodInDays' failed to satisfy constraint: "
            "Member must have value between 90 and 2560",
        )
    answer = original(self)
    key = key_of(self)
    key.rotation_period = int(days) if days is not None else getattr(key, "rotation_period", 365)
    return answer


@adds(KmsResponse)
def get_key_rotation_status(self):
    """The period and the next date, while rotation is on; a key pending deletion does not rotate."""
    key = key_of(self)
    enabled = bool(key.key_rotation_status) and key.key_state != "PendingDeletion"
    answer = {"KeyId": key.arn, "KeyRotationEnabled": enabled}
    if enabled:
        days = getattr(key, "rotation_period", 365)
        answer["RotationPeriodInDays"] = days
        answer["NextRotationDate"] = unix_time(utcnow() + datetime.timedelta(days=days))
    return json.dumps(answer)


@wraps(KmsResponse)
def create_alias(original, self):
    """An alias says when it was made and changed."""
    answer = original(self)
    stamp(self)
    return answer


@wraps(KmsResponse)
def update_alias(original, self):
    answer = original(self)
    stamp(self)
    return answer


def stamp(response: KmsResponse) -> None:
    now = unix_time()
    for key in response.kms_backend.keys.values():
        alias = key.aliases.get(response._get_param("AliasName"))
        if alias:
            alias.created = getattr(alias, "created", now)
            alias.changed = now


@wraps(KmsResponse)
def list_aliases(original, self):
    answer = json.loads(original(self))
    made = {name: alias for key in self.kms_backend.keys.values() for name, alias in key.aliases.items()}
    for entry in answer["Aliases"]:
        alias = made.get(entry["AliasName"])
        if alias and hasattr(alias, "created"):
            entry |= {"CreationDate": alias.created, "LastUpdatedDate": alias.changed}
    answer["Aliases"].sort(key=lambda entry: entry["AliasName"])
    return json.dumps(answer)


@wraps(KmsResponse)
def list_grants(original, self):
    """Of a key that exists; filtered by grantee too."""
    key = key_of(self)
    grants = [grant.to_json() for grant in key.list_grants(self._get_param("GrantId"))]
    grantee = self._get_param("GranteePrincipal")
    grants = [
        {**{name: value for name, value in grant.items() if value is not None}, "KeyId": key.arn}
        for grant in grants
        if not grantee or grant["GranteePrincipal"] == grantee
    ]
    return json.dumps({"Grants": grants, "Truncated": False})


def paged(items: str):
    """Cut the list of an answer into pages; moto answers everything."""

    def cut(original, self):
        answer = json.loads(original(self))
        operation = self._get_action()
        size = limit("kms", operation, "Limit", self._get_param("Limit"))
        shown, marker = page(answer[items], size, self._get_param("Marker"), "InvalidMarkerException")
        answer |= {items: shown, "Truncated": bool(marker)}
        answer.pop("NextMarker", None)
        if marker:
            answer["NextMarker"] = marker
        return json.dumps(answer)

    return cut


for method, items in (
    ("list_keys", "Keys"),
    ("list_aliases", "Aliases"),
    ("list_grants", "Grants"),
    ("list_resource_tags", "Tags"),
):
    put_around(KmsResponse, method, paged(items))
