"""What moto lacks compared with AWS, one module per AWS service."""

import importlib
from argparse import Namespace

MODULES = (
    "core",
    "paging",
    "ec2.tags",
    "ec2.index",
    "ec2.interfaces",
    "ec2.groups",
    "ec2.networks",
    "ec2.propagation",
    "ec2.services",
    "ec2.endpoints",
    "ec2.flow_logs",
    "ec2.common",
    "elb",
    "sagemaker.records",
    "iam",
    "kms",
    "s3",
    "logs",
    "ssm",
    "tagging",
    "resource_groups",
    "sagemaker.notebooks",
    "sagemaker.studio",
    "sagemaker.monitoring",
    "codecommit",
    "codeartifact",
    "cloudtrail",
    "quotas",
)


def install(args: Namespace) -> None:
    """Patch moto; `args` are the delays of the command line."""
    from .patching import settings

    vars(settings).update(vars(args))
    for module in MODULES:
        importlib.import_module(f"{__name__}.{module}")
