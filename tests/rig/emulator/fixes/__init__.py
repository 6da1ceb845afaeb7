"""What moto lacks compared with AWS, one module per AWS service."""

import importlib
from argparse import Namespace

MODULES = ("core", "paging")


def install(args: Namespace) -> None:
    """Patch moto; `args` are the delays of the command line."""
    from .patching import settings

    vars(settings).update(vars(args))
    for module in MODULES:
        importlib.import_module(f"{__name__}.{module}")
