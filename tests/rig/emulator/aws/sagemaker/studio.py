"""Domains, profiles, spaces, apps, and the jobs, models and endpoints they lead to."""

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.efs.models import efs_backends
from moto.moto_api._internal import mock_random as random
from moto.sagemaker.responses import SageMakerResponse

from ..patching import AwsError, adds
from .records import Kind, Record, register

NFS = 2049


def token(length: int) -> str:
    return "".join(random.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(length))


def in_use(record: Record, *kinds: Kind) -> None:
    """What still has something in it is not deleted."""
    for kind in kinds:
        for other in kind.table(record.backend).values():
            inside = all(other.get(key) == record[key] for key in record.kind.keys)
            if inside and other.status != "Deleted":
                raise AwsError(
                    "ResourceInUse",
                    f"Unable to delete {record.kind.noun} {record.arn} because {kind.noun}(s) are associated with it.",
                )


def prepare_domain(record: Record) -> None:
    """A domain brings its file system, with a mount target in each subnet, and two groups for NFS.

    The groups name each other in their rules, so neither can simply be deleted.
    """
    backend = record.backend
    name = record["DomainName"]
    if any(other["DomainName"] == name for other in DOMAIN.table(backend).values()):
        raise AwsError("ResourceInUse", f"Resource Already Exists: Domain with name {name} already exists.")
    id = record["DomainId"] = f"d-{token(12)}"
    record["Url"] = f"https://{id}.studio.{backend.region_name}.sagemaker.aws"
    record.setdefault("AppNetworkAccessType", "PublicInternetOnly")
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    vpc = record["VpcId"]
    inbound, outbound = (
        ec2.create_security_group(
            f"security-group-for-{way}-nfs-{id}",
            f"[DO NOT DELETE] Security Group that allows {way} NFS traffic for SageMaker Notebooks Domain [{id}]",
            vpc_id=vpc,
            tags={"ManagedByAmazonSageMakerResource": f"arn:aws:sagemaker:{backend.region_name}:{backend.account_id}:domain/{id}"},
        )
        for way in ("inbound", "outbound")
    )
    nfs = {"ip_protocol": "tcp", "from_port": str(NFS), "to_port": str(NFS), "ip_ranges": []}
    ec2.authorize_security_group_ingress(inbound.id, **nfs, source_groups=[{"GroupId": outbound.id}])
    ec2.authorize_security_group_egress(outbound.id, **nfs, source_groups=[{"GroupId": inbound.id}])
    efs = efs_backends[backend.account_id][backend.region_name]
    file_system = efs.create_file_system(
        creation_token=id,
        performance_mode="generalPurpose",
        encrypted=True,
        kms_key_id=record.get("KmsKeyId") or record.get("HomeEfsFileSystemKmsKeyId"),
        throughput_mode="bursting",
        provisioned_throughput_in_mibps=0,
        availability_zone_name=None,
        backup=False,
        tags=[{"Key": "ManagedByAmazonSageMakerResource", "Value": id}],
    )
    record["HomeEfsFileSystemId"] = file_system.file_system_id
    for subnet in record["SubnetIds"]:
        efs.create_mount_target(file_system.file_system_id, subnet, security_groups=[inbound.id])


def prepare_app(record: Record) -> None:
    """An app is a profile's or a space's."""
    (PROFILE if record.get("UserProfileName") else SPACE).find(record.backend, record)


def needs_domain(record: Record) -> None:
    DOMAIN.find(record.backend, record)


def delete_domain(self):
    """The retention policy decides about the file system; the groups stay."""
    backend = self.sagemaker_backend
    record = DOMAIN.find(backend, self.params)
    DOMAIN.remove(record)
    policy = self._get_param("RetentionPolicy") or {}
    if policy.get("HomeEfsFileSystem") == "Delete":
        efs = efs_backends[backend.account_id][backend.region_name]
        system = record["HomeEfsFileSystemId"]
        for target in list(efs.mount_targets_by_id.values()):
            if target.file_system_id == system:
                efs.delete_mount_target(target.mount_target_id)
        efs.delete_file_system(system)
    return ActionResult({})


DOMAIN = Kind("Domain", "domain/{DomainId}", keys=("DomainId",), status="Status", prepare=prepare_domain)
PROFILE = Kind(
    "UserProfile",
    "user-profile/{DomainId}/{UserProfileName}",
    keys=("DomainId", "UserProfileName"),
    status="Status",
    prepare=needs_domain,
)
SPACE = Kind("Space", "space/{DomainId}/{SpaceName}", keys=("DomainId", "SpaceName"), status="Status", prepare=needs_domain)
APP = Kind(
    "App",
    "app/{DomainId}/{owner}/{AppType}/{AppName}",
    keys=("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName"),
    status="Status",
    left="Deleted",
    prepare=prepare_app,
)
DOMAIN.guard = lambda record: in_use(record, PROFILE, SPACE, APP)
PROFILE.guard = lambda record: in_use(record, APP)
SPACE.guard = lambda record: in_use(record, APP)


def job(noun: str, path: str, **differences) -> Kind:
    """A job runs for a while and is then Completed, or is stopped."""
    return Kind(
        noun,
        f"{path}/{{{noun}Name}}",
        **{
            "status": f"{noun}Status",
            "creating": "InProgress",
            "ready": "Completed",
            "stoppable": ("InProgress",),
            "deletable": ("Completed", "Failed", "Stopped"),
            "deleting": "Deleting",
            "delay": "job_delay",
            **differences,
        },
    )


def needs_config(record: Record, changes: dict | None = None) -> None:
    """An endpoint shows the variants of its configuration, in service."""
    config = ENDPOINT_CONFIG.find(record.backend, changes if changes and "EndpointConfigName" in changes else record)
    record["ProductionVariants"] = [
        {
            "VariantName": variant["VariantName"],
            "CurrentInstanceCount": variant.get("InitialInstanceCount"),
            "DesiredInstanceCount": variant.get("InitialInstanceCount"),
            "CurrentWeight": variant.get("InitialVariantWeight", 1.0),
            "DesiredWeight": variant.get("InitialVariantWeight", 1.0),
        }
        for variant in config.get("ProductionVariants", [])
    ]


def prepare_training(record: Record) -> None:
    """Where the model is going to be is told from the start. A local disk takes no key."""
    resources = record.get("ResourceConfig", {})
    if resources.get("VolumeKmsKeyId") and str(resources.get("InstanceType")).startswith("ml.g5."):
        raise AwsError("ValidationException", f"VolumeKmsKeyId is not supported for the instance type {resources['InstanceType']}")
    record["SecondaryStatus"] = "Training"
    output = record.get("OutputDataConfig", {}).get("S3OutputPath", "").rstrip("/")
    record["ModelArtifacts"] = {"S3ModelArtifacts": f"{output}/{record['TrainingJobName']}/output/model.tar.gz"}


def stored(noun: str, path: str, **differences) -> Kind:
    """Something without states."""
    return Kind(noun, f"{path}/{{{noun}Name}}", **differences)


ENDPOINT_CONFIG = stored("EndpointConfig", "endpoint-config", missing="ValidationException", duplicate="ValidationException")

register(
    DOMAIN,
    PROFILE,
    SPACE,
    APP,
    ENDPOINT_CONFIG,
    stored("AppImageConfig", "app-image-config"),
    stored("CodeRepository", "code-repository", plural="CodeRepositories", missing="ValidationException", duplicate="ValidationException"),
    stored("Model", "model", missing="ValidationException", duplicate="ValidationException", fields={"EnableNetworkIsolation": False}),
    stored("StudioLifecycleConfig", "studio-lifecycle-config"),
    stored("Image", "image", status="ImageStatus", creating="CREATING", ready="CREATED", updating="UPDATING", deleting="DELETING"),
    stored(
        "Endpoint",
        "endpoint",
        status="EndpointStatus",
        creating="Creating",
        missing="ValidationException",
        duplicate="ValidationException",
        prepare=needs_config,
        change=needs_config,
    ),
    stored(
        "MonitoringSchedule",
        "monitoring-schedule",
        plural="MonitoringSchedules",
        status="MonitoringScheduleStatus",
        ready="Scheduled",
        updating="Pending",
        stoppable=("Scheduled",),
        stopping="Pending",
        starting="Pending",
    ),
    Kind(
        "MlflowTrackingServer",
        "mlflow-tracking-server/{TrackingServerName}",
        keys=("TrackingServerName",),
        arn_field="TrackingServerArn",
        status="TrackingServerStatus",
        creating="Creating",
        ready="Created",
        deleting="Deleting",
        stoppable=("Created", "Started"),
        starting="Starting",
    ),
    Kind("MlflowApp", "mlflow-app/{Name}", keys=("Name",), arn_field="Arn", status="Status", creating="Creating", ready="Created"),
    job("TrainingJob", "training-job", prepare=prepare_training),
    job("ProcessingJob", "processing-job"),
    job("TransformJob", "transform-job"),
    job("HyperParameterTuningJob", "hyper-parameter-tuning-job"),
    job("LabelingJob", "labeling-job"),
    job("OptimizationJob", "optimization-job", creating="INPROGRESS", ready="COMPLETED", stoppable=("INPROGRESS",), stopping="STOPPING", stopped="STOPPED", deletable=()),
    job("CompilationJob", "compilation-job", creating="INPROGRESS", ready="COMPLETED", stoppable=("INPROGRESS",), stopping="STOPPING", stopped="STOPPED", deletable=()),
    AUTOML := Kind(
        "AutoMLJob",
        "automl-job/{AutoMLJobName}",
        status="AutoMLJobStatus",
        creating="InProgress",
        ready="Completed",
        stoppable=("InProgress",),
        delay="job_delay",
    ),
)
adds(SageMakerResponse)(delete_domain)


@adds(SageMakerResponse)
def create_auto_ml_job_v2(self):
    """The second version makes the same kind of job."""
    return ActionResult(AUTOML.add(self.sagemaker_backend, dict(self.params)))


@adds(SageMakerResponse)
def describe_auto_ml_job_v2(self):
    return ActionResult(AUTOML.find(self.sagemaker_backend, self.params))


@adds(SageMakerResponse)
def create_presigned_domain_url(self):
    """A link into Studio, for a profile that exists."""
    PROFILE.find(self.sagemaker_backend, self.params)
    return ActionResult({"AuthorizedUrl": f"{DOMAIN.find(self.sagemaker_backend, self.params)['Url']}/auth?token={token(32)}"})


@adds(SageMakerResponse)
def create_presigned_mlflow_tracking_server_url(self):
    name = self._get_param("TrackingServerName")
    return ActionResult({"AuthorizedUrl": f"https://{name}.mlflow.{self.region}.sagemaker.aws/auth?authToken={token(32)}"})
