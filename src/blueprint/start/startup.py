# Run by IPython before a notebook's first cell. Of the SDK, version 2 heeds most of its defaults, version 3 fewer, boto3
# none. Here every request to SageMaker gets what it leaves out: the defaults of an API are laid out as its requests are.
import os as _os

# The SDK would ask IAM whether the role will do, and no way leads to IAM from here: it would wait for minutes.
_os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")


def _refuse(**_):
    raise OSError("IAM cannot be reached from this network. Give the role's ARN: get_execution_role()")


# `request`, with what `defaults` say where it says nothing.
def _fill(request, defaults, shape):
    from fnmatch import fnmatch

    made = ("AutoMLJobConfig", "NetworkConfig", "SecurityConfig", "VpcConfig")
    filled = dict(request)
    for name, value in defaults.items():
        if name not in shape.members:
            continue
        if isinstance(value, dict):
            if name in filled or name in made:
                filled[name] = _fill(filled.get(name) or {}, value, shape.members[name])
        elif name == "Tags":
            given = filled.get(name) or []
            keys = [tag["Key"] for tag in given]
            filled[name] = [*given, *(tag for tag in value if tag["Key"] not in keys)]
        else:
            filled.setdefault(name, value)
    # Hardware encrypts local disks, and SageMaker takes no key there.
    if any(fnmatch(str(filled.get("InstanceType")), local) for local in $local):
        filled.pop("VolumeKmsKeyId", None)
    return filled


def _complete(params, model, **_):
    if not model.name.startswith("Create") and model.name != "UpdatePipeline":
        return None
    import json

    import yaml

    with open($config) as file:
        apis = yaml.safe_load(file)["SageMaker"]
    job = apis["TrainingJob"]
    tags = {"Tags": job["Tags"]}
    tuned = {**job, "HyperParameterTuningResourceConfig": job["ResourceConfig"]}
    apis["HyperParameterTuningJob"] = {"TrainingJobDefinition": tuned, **tags}

    def fill(request, api):
        shape = model.service_model.operation_model(f"Create{api}").input_shape
        return _fill(request, apis.get(api, tags), shape)

    # A version of a model takes no tags: it has those of its group.
    if params.get("ModelPackageGroupName") and model.name == "CreateModelPackage":
        return None
    if params.get("PipelineDefinition"):
        # What SageMaker is going to make in the steps.
        definition = json.loads(params["PipelineDefinition"])
        for step in definition["Steps"]:
            kind = step["Type"]
            if kind in ("AutoML", "Model", "Processing", "Training", "Transform", "Tuning"):
                api = {"Model": kind, "Tuning": "HyperParameterTuningJob"}.get(kind, f"{kind}Job")
                step["Arguments"] = fill(step["Arguments"], api)
        params = {**params, "PipelineDefinition": json.dumps(definition)}
    return params if model.name == "UpdatePipeline" else fill(params, model.name[6:])


try:
    from botocore.handlers import BUILTIN_HANDLERS as _handlers
except ImportError:
    _handlers = []
_handlers.append(("provide-client-params.iam", _refuse))
_handlers.append(("provide-client-params.sagemaker", _complete))
