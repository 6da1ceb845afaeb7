"""CloudWatch Logs: keys of log groups that exist and allow it, retention in AWS's steps."""

import fnmatch
import json

from moto.kms.models import kms_backends
from moto.logs.models import LogGroup, LogsBackend
from moto.logs.responses import LogsResponse

from .patching import AwsError, adds, wraps

RETENTION = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def check_key(backend: LogsBackend, group: str, key_arn: str | None) -> None:
    """The key is enabled, and its policy names the Logs service of the region."""
    if not key_arn:
        return
    keys = kms_backends[backend.account_id][backend.region_name].keys
    key = keys.get(key_arn.rpartition(":key/")[2])
    service = f"logs.{backend.region_name}.amazonaws.com"
    if key is None or key.key_state != "Enabled" or service not in key.policy:
        arn = f"arn:{backend.partition}:logs:{backend.region_name}:{backend.account_id}:log-group:{group}"
        raise AwsError(
            "InvalidParameterException",
            f"The specified KMS Key Id could not be found or is not allowed to be used with Arn '{arn}'.",
        )


@wraps(LogsBackend)
def create_log_group(original, self, log_group_name, tags, **kwargs):
    """moto takes any text for a key."""
    check_key(self, log_group_name, kwargs.get("kmsKeyId"))
    return original(self, log_group_name, tags, **kwargs)


def named(response: LogsResponse):
    """The log group of the call, by name or by ARN."""
    name = response._get_param("logGroupName") or response._get_param("resourceIdentifier") or ""
    name = name.partition(":log-group:")[2].removesuffix(":*") if name.startswith("arn:") else name
    group = response.logs_backend.groups.get(name)
    if group is None:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    return group


@adds(LogsResponse)
def associate_kms_key(self):
    group = named(self)
    check_key(self.logs_backend, group.name, self._get_param("kmsKeyId"))
    group.kms_key_id = self._get_param("kmsKeyId")
    return ""


@adds(LogsResponse)
def disassociate_kms_key(self):
    named(self).kms_key_id = None
    return ""


@wraps(LogsResponse)
def put_retention_policy(original, self):
    """Only AWS's own numbers of days."""
    days = self._get_param("retentionInDays")
    if days not in RETENTION:
        raise AwsError(
            "InvalidParameterException",
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(map(str, RETENTION))}]",
        )
    return original(self)


@wraps(LogGroup)
def to_describe_dict(original, self):
    return {**original(self), "logGroupClass": "STANDARD"}


@wraps(LogsResponse)
def describe_log_groups(original, self):
    """Also by a part of the name."""
    pattern = self._get_param("logGroupNamePattern")
    if not pattern:
        return original(self)
    if self._get_param("logGroupNamePrefix"):
        raise AwsError("InvalidParameterException", "Prefix and pattern are mutually exclusive.")
    groups = self.logs_backend.groups.values()
    found = [group for group in groups if fnmatch.fnmatchcase(group.name, f"*{pattern}*")]
    return json.dumps({"logGroups": [group.to_describe_dict() for group in found]})
