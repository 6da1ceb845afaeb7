# What the start script cannot do in shell. Python 3.9, standard library only; run by root.
#
# metadata KEY, tag KEY: prints one value of a JSON answer.
# files NAME...: writes what notebook code reads. The names are those of the SSM parameters: VPC, security group, key,
# data bucket, model bucket, then the subnets.

import json
import os
import string
import sys

HEADER = "Written when the notebook starts; changes are lost at the next start."


def setting(name):
    return json.loads(os.environ[name])


def write(path, text):
    """As a whole or not at all, readable by all, writable by root."""
    path = os.environ["ROOT"] + path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    draft = f"{path}.draft"
    with open(draft, "w") as file:
        file.write(text)
    os.chmod(draft, 0o644)
    os.replace(draft, path)


def parameters(names):
    values = {found["Name"]: found["Value"] for found in setting("ANSWER")["Parameters"]}
    missing = [name for name in names if not values.get(name)]
    if missing:
        sys.exit(f"secureml: no such SSM parameters: {', '.join(missing)}")
    return [values[name] for name in names]


def files(names):
    vpc, group, key, data_bucket, model_bucket, *subnets = parameters(names)
    notebook = setting("NOTEBOOK")
    module = {
        "SAGEMAKER_VPC": vpc,
        "SAGEMAKER_SUBNETS": subnets,
        "SAGEMAKER_SECURITY_GROUPS": [group],
        "SAGEMAKER_KMS_KEY_ID": key,
        "SAGEMAKER_DATA_BUCKET": data_bucket,
        "SAGEMAKER_MODEL_BUCKET": model_bucket,
    }
    lines = [f"# {HEADER}"] + [f"{name} = {value!r}" for name, value in module.items()]
    write("/home/ec2-user/.ipython/sagemaker_environment.py", "\n".join(lines) + "\n")

    tags = [("ProjectName", os.environ["PROJECT"]), ("EnvironmentType", os.environ["ENVIRONMENT"])]
    values = {
        "vpc": {"Subnets": subnets, "SecurityGroupIds": [group]},
        "key": key,
        "role": notebook["RoleArn"],
        "bucket": data_bucket,
        "prefix": notebook["NotebookInstanceName"],
        "isolation": os.environ["NETWORK_ISOLATION"] == "true",
        "tags": [{"Key": name, "Value": value} for name, value in tags],
    }
    # JSON is YAML.
    filled = {name: json.dumps(value) for name, value in values.items()}
    config = string.Template(os.environ["CONFIG_YAML"]).substitute(filled)
    write("/etc/xdg/sagemaker/config.yaml", f"# {HEADER}\n{config}")
    values = {"config": os.environ["ROOT"] + "/etc/xdg/sagemaker/config.yaml", "local": os.environ["LOCAL_DISK_TYPES"].split()}
    filled = {name: repr(value) for name, value in values.items()}
    startup = string.Template(os.environ["STARTUP_PY"]).substitute(filled)
    write("/home/ec2-user/.ipython/profile_default/startup/00-secureml.py", f"# {HEADER}\n{startup}")

    mirror = os.environ["MIRROR"]
    if mirror:
        write("/etc/pip.conf", string.Template(os.environ["PIP_CONF"]).substitute(mirror=mirror))


if __name__ == "__main__":
    what, *names = sys.argv[1:]
    if what == "files":
        files(names)
    elif what == "metadata":
        print(setting("METADATA")[names[0]])
    else:
        print({tag["Key"]: tag["Value"] for tag in setting("TAGS")["Tags"]}[names[0]])
