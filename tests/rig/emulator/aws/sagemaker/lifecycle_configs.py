"""Lifecycle configurations of notebook instances, with update, list and tags."""

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.sagemaker.models import FakeSageMakerNotebookInstanceLifecycleConfig as LifecycleConfig
from moto.sagemaker.responses import SageMakerResponse

from ..patching import adds, wraps
from .notebooks import listed, refusal


def named(response: SageMakerResponse, verb: str) -> LifecycleConfig:
    """The configuration of the call."""
    backend = response.sagemaker_backend
    name = response._get_param("NotebookInstanceLifecycleConfigName")
    config = backend.notebook_instance_lifecycle_configurations.get(name)
    if config is None:
        arn = LifecycleConfig.arn_formatter(name, backend.account_id, backend.region_name)
        raise refusal(
            f"Unable to {verb} Notebook Instance Lifecycle Config '{arn}'. "
            "(Details: Notebook Instance Lifecycle Config does not exist.)"
        )
    return config


@wraps(SageMakerResponse)
def create_notebook_instance_lifecycle_config(original, self):
    """With its tags, which moto drops."""
    action = original(self)
    named(self, "create").tags = list(self._get_param("Tags", []) or [])
    return action


@adds(SageMakerResponse)
def describe_notebook_instance_lifecycle_config(self):
    config = named(self, "describe")
    return ActionResult({**summary(config), "OnCreate": config.on_create or [], "OnStart": config.on_start or []})


@adds(SageMakerResponse)
def update_notebook_instance_lifecycle_config(self):
    """Scripts that are given replace those there are; a script not given stays."""
    config = named(self, "update")
    for name, attribute in (("OnCreate", "on_create"), ("OnStart", "on_start")):
        if self._get_param(name) is not None:
            setattr(config, attribute, self._get_param(name))
    config.last_modified_time = utcnow()
    return EmptyResult()


def summary(config: LifecycleConfig) -> dict:
    return {
        "NotebookInstanceLifecycleConfigName": config.notebook_instance_lifecycle_config_name,
        "NotebookInstanceLifecycleConfigArn": config.arn,
        "CreationTime": config.creation_time,
        "LastModifiedTime": config.last_modified_time,
    }


@adds(SageMakerResponse)
def list_notebook_instance_lifecycle_configs(self):
    configs = list(self.sagemaker_backend.notebook_instance_lifecycle_configurations.values())
    times = ("CreationTime", "LastModifiedTime")
    found = listed(self, configs, lambda c: c.notebook_instance_lifecycle_config_name, summary, times)
    return ActionResult({"NotebookInstanceLifecycleConfigs": found})
