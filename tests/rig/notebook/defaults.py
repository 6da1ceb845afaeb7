"""Reads what the start script wrote below a directory, as a notebook would, and prints it as JSON.

The SDK's defaults have to fit the schema of both generations of the SageMaker Python SDK.
"""

import configparser
import importlib.util
import json
import sys
import sysconfig
from pathlib import Path

import jsonschema
import yaml

SCHEMAS = ("sagemaker/config/config_schema.py", "sagemaker/core/config/config_schema.py")


def module(path: Path) -> object:
    """A module on its own, without the package around it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def main() -> None:
    root = Path(sys.argv[1])
    sys.dont_write_bytecode = True
    environment = module(root / "home/ec2-user/.ipython/sagemaker_environment.py")
    config = yaml.safe_load((root / "etc/xdg/sagemaker/config.yaml").read_text())
    for schema in SCHEMAS:
        path = Path(sysconfig.get_path("purelib"), schema)
        jsonschema.validate(config, module(path).SAGEMAKER_PYTHON_SDK_CONFIG_SCHEMA)
    pip = configparser.ConfigParser()
    pip.read(root / "etc/pip.conf")
    values = {name: value for name, value in vars(environment).items() if name.startswith("SAGEMAKER_")}
    print(json.dumps({"environment": values, "config": config, "pip": {name: dict(pip[name]) for name in pip.sections()}}))


if __name__ == "__main__":
    main()
