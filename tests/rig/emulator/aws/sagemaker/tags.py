"""Tags of any SageMaker resource, found by its ARN."""

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from ..patching import AwsError, adds, wraps


@wraps(SageMakerModelBackend)
def _get_resource_from_arn(original, self, arn):
    """moto does not know lifecycle configurations here, and crashes on what does not exist."""
    kind, _, name = arn.split(":", 5)[-1].partition("/")
    if kind == "notebook-instance-lifecycle-config":
        found = self.notebook_instance_lifecycle_configurations.get(name)
    else:
        try:
            found = original(self, arn)
        except AttributeError:
            found = None
    if found is None:
        raise AwsError("ValidationException", f"Could not find {kind} with ARN {arn}")
    if getattr(found, "tags", None) is None:
        found.tags = []
    return found


@adds(SageMakerModelBackend)
def add_tags(self, arn, tags):
    """A key has one value: the last one; moto keeps both."""
    found = self._get_resource_from_arn(arn)
    values = {tag["Key"]: tag["Value"] for tag in [*found.tags, *tags]}
    if len(values) > 50:
        raise AwsError("ValidationException", f"Number of tags must be at most 50 for {arn}")
    found.tags = [{"Key": key, "Value": value} for key, value in values.items()]
    return found.tags


@adds(SageMakerResponse)
def list_tags(self):
    return ActionResult({"Tags": self.sagemaker_backend._get_resource_from_arn(self._get_param("ResourceArn")).tags})


@adds(SageMakerResponse)
def delete_tags(self):
    self.sagemaker_backend.delete_tags(self._get_param("ResourceArn"), self._get_param("TagKeys"))
    return EmptyResult()
