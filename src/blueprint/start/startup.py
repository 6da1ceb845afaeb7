# Run by IPython before a notebook's first cell, for what the SDK's defaults have no place for.
import os as _os

# The SDK would ask IAM whether the role will do, and no way leads to IAM from here.
_os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")


# Experiments and their runs, groups of models and definitions of monitoring jobs get the project's tags, as does
# whatever boto3 makes.
def _tag(params, model, **_):
    # A version of a model takes no tags: it has those of its group.
    versioned = model.name == "CreateModelPackage" and params.get("ModelPackageGroupName")
    if not model.name.startswith("Create") or "Tags" not in model.input_shape.members or versioned:
        return None
    given = list(params.get("Tags") or [])
    keys = [tag["Key"] for tag in given]
    return {**params, "Tags": given + [tag for tag in $tags if tag["Key"] not in keys]}


try:
    from botocore.handlers import BUILTIN_HANDLERS as _handlers
except ImportError:
    _handlers = []
_handlers.append(("provide-client-params.sagemaker", _tag))
