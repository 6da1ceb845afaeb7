"""Notebook instances and their lifecycle configurations.

A notebook instance passes through Pending, Stopping, Updating and Deleting;
it can be changed and deleted only while Stopped or Failed. In a VPC it has a
network interface of SageMaker's, from its creation until a while after it is
gone.
"""

import base64
import binascii

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.moto_api._internal import mock_random as random
from moto.sagemaker.responses import SageMakerResponse

from ..ec2.interfaces import service_interface
from ..later import after
from ..patching import AwsError, adds, settings
from .records import MODEL, Kind, Record, register

INSTANCE_TYPES = MODEL.shape_for("InstanceType").enum
PLATFORMS = ("notebook-al1-v1", "notebook-al2-v1", "notebook-al2-v2", "notebook-al2-v3", "notebook-al2023-v1", "notebook-al2023-v2")
VOLUME_GB = range(5, 16385)
SCRIPT_CHARACTERS = 16384
AT_REST = ("Stopped", "Failed")

#: What an instance has unless the request says otherwise.
DEFAULTS = {
    "DirectInternetAccess": "Enabled",
    "VolumeSizeInGB": 5,
    "RootAccess": "Enabled",
    "PlatformIdentifier": "notebook-al2023-v1",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
    "IpAddressType": "ipv4",
}

#: The flags of an update that take something away, with the fields they empty.
DISASSOCIATIONS = {
    "DisassociateLifecycleConfig": "NotebookInstanceLifecycleConfigName",
    "DisassociateDefaultCodeRepository": "DefaultCodeRepository",
    "DisassociateAdditionalCodeRepositories": "AdditionalCodeRepositories",
    "DisassociateAcceleratorTypes": "AcceleratorTypes",
}


def invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def check_role(record: Record, arn: str) -> None:
    """The role has to exist and to trust SageMaker."""
    account, _, name = arn.partition("::")[2].partition(":role/")
    if account != record.backend.account_id:
        return
    roles = iam_backends[account][record.backend.partition].roles.values()
    role = next((role for role in roles if role.arn == arn), None)
    if role is None or "sagemaker.amazonaws.com" not in str(role.assume_role_policy_document):
        raise invalid(
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role."
        )


def check_fields(record: Record, fields: dict) -> None:
    """What is wrong with an instance whatever its state."""
    kind = fields.get("InstanceType")
    if kind and kind not in INSTANCE_TYPES:
        raise invalid(
            f"1 validation error detected: Value '{kind}' at 'instanceType' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(INSTANCE_TYPES)}]"
        )
    if int(fields.get("VolumeSizeInGB", 5)) not in VOLUME_GB:
        raise invalid(f"Invalid VolumeSizeInGB {fields['VolumeSizeInGB']}: it must be between 5 and 16384.")
    platform = fields.get("PlatformIdentifier")
    if platform and platform not in PLATFORMS:
        raise invalid(f"Platform identifier {platform} is not supported.")
    if fields.get("RoleArn"):
        check_role(record, fields["RoleArn"])
    config = fields.get("NotebookInstanceLifecycleConfigName")
    if config and (config,) not in LIFECYCLE_CONFIG.table(record.backend):
        raise invalid(f"Unable to find Notebook Instance Lifecycle Config '{config}'.")


def prepare(record: Record) -> None:
    """An instance without internet needs a subnet; in one it gets an interface."""
    record["NotebookInstanceLifecycleConfigName"] = record.pop("LifecycleConfigName", None)
    record["SecurityGroups"] = record.pop("SecurityGroupIds", None) or []
    check_fields(record, record)
    subnet, groups = record.get("SubnetId"), record["SecurityGroups"]
    if record["DirectInternetAccess"] == "Disabled" and not subnet:
        raise invalid("DirectInternetAccess can be Disabled only if a subnet and security groups are given.")
    if bool(subnet) != bool(groups):
        raise invalid("SubnetId and SecurityGroupIds must be given together.")
    backend, name = record.backend, record["NotebookInstanceName"]
    if subnet:
        ec2 = ec2_backends[backend.account_id][backend.region_name]
        text = (
            "[Do not delete] Network Interface created to access resources in your VPC "
            f"for SageMaker Notebook Instance {name}"
        )
        try:
            eni = service_interface(ec2, subnet, groups, "interface", text)
        except Exception as error:
            raise invalid(str(getattr(error, "message", error))) from None
        record["NetworkInterfaceId"] = eni.id
    suffix = "".join(random.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(4))
    record["Url"] = f"{name}-{suffix}.notebook.{backend.region_name}.sagemaker.aws"


def change(record: Record, changes: dict) -> None:
    """Fields left out stay; to take something away there are flags."""
    if "LifecycleConfigName" in changes:
        changes["NotebookInstanceLifecycleConfigName"] = changes.pop("LifecycleConfigName")
    check_fields(record, changes)
    if int(changes.get("VolumeSizeInGB", record["VolumeSizeInGB"])) < record["VolumeSizeInGB"]:
        raise invalid("The volume of a notebook instance cannot be made smaller.")
    for flag, field in DISASSOCIATIONS.items():
        if changes.pop(flag, False):
            if field in changes:
                raise invalid(f"{flag} and a new {field} exclude each other.")
            record.pop(field, None)


def release(record: Record) -> None:
    """The interface outlives its instance for a while, and blocks its subnet and groups."""
    backend = record.backend
    enis = ec2_backends[backend.account_id][backend.region_name].enis
    if record.get("NetworkInterfaceId"):
        after(settings.interface_delay, lambda: enis.pop(record["NetworkInterfaceId"], None))


def check_scripts(record: Record, fields: dict | None = None) -> None:
    """At most one script of each kind, base64, of limited length."""
    for name in ("OnCreate", "OnStart"):
        for script in (fields or record).get(name) or []:
            content = script.get("Content") or ""
            try:
                base64.b64decode(content, validate=True)
            except (binascii.Error, ValueError):
                raise invalid(f"{name} of the Notebook Instance Lifecycle Config is not base64.") from None
            if not 1 <= len(content) <= SCRIPT_CHARACTERS:
                raise invalid(f"{name} must have between 1 and {SCRIPT_CHARACTERS} characters.")


NOTEBOOK = Kind(
    "NotebookInstance",
    "notebook-instance/{NotebookInstanceName}",
    status="NotebookInstanceStatus",
    updated="Stopped",
    stoppable=("InService",),
    startable=AT_REST,
    deletable=AT_REST,
    delay="notebook_delay",
    missing="ValidationException",
    duplicate="ValidationException",
    no_record="RecordNotFound",
    prepare=prepare,
    change=change,
    gone=release,
    fields=DEFAULTS,
)

LIFECYCLE_CONFIG = Kind(
    "NotebookInstanceLifecycleConfig",
    "notebook-instance-lifecycle-config/{NotebookInstanceLifecycleConfigName}",
    missing="ValidationException",
    duplicate="ValidationException",
    no_record="Unable to describe Notebook Instance Lifecycle Config. "
    "(Details: Notebook Instance Lifecycle Config does not exist.)",
    prepare=check_scripts,
    change=check_scripts,
)

register(NOTEBOOK, LIFECYCLE_CONFIG)


@adds(SageMakerResponse)
def create_presigned_notebook_instance_url(self):
    """A link into an instance, while it is in service."""
    record = NOTEBOOK.find(self.sagemaker_backend, self.params)
    if record.status != "InService":
        raise invalid(
            f"Status ({record.status}) not in ([InService]). "
            f"Unable to create a presigned URL for Notebook Instance ({record.arn})"
        )
    return ActionResult({"AuthorizedUrl": f"https://{record['Url']}?authToken={random.uuid4().hex}"})
