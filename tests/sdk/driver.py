"""A notebook in which one version of the SDK does its tasks, each when it is asked for.

    python driver.py two ENVIRONMENT [--role ARN]

ENVIRONMENT is a JSON file that says whose notebook it is. A line of input is the name of a task, or `tasks`; the answer
is a line of JSON. Each task works in a directory of its own.
"""

import argparse
import contextlib
import importlib
import json
import os
import runpy
import sys
import tempfile
import time
import traceback
from pathlib import Path

import boto3
import jsonschema

#: How long a pause in the SDK lasts at most, in seconds: AWS is quick here.
PAUSE = 0.05
#: Who may take the notebook's role.
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
HERE = Path(__file__).parent


def settle(environment: dict) -> None:
    """Becomes the notebook's role, in an account that has what the project has."""
    credentials = boto3.client("sts").assume_role(RoleArn=environment["role"], RoleSessionName="SageMaker")["Credentials"]
    os.environ["AWS_ACCESS_KEY_ID"] = credentials["AccessKeyId"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = credentials["SecretAccessKey"]
    os.environ["AWS_SESSION_TOKEN"] = credentials["SessionToken"]
    boto3.setup_default_session()
    path, _, name = environment["role"].partition(":role")[2].rpartition("/")
    boto3.client("iam").create_role(Path=f"{path}/", RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    for bucket in environment["buckets"]:
        boto3.client("s3").create_bucket(Bucket=bucket)
    boto3.client("sagemaker").create_notebook_instance(
        NotebookInstanceName=environment["notebook"], InstanceType="ml.t3.medium", RoleArn=environment["role"]
    )


def start_up() -> None:
    """What IPython runs before the first cell of a notebook."""
    for file in sorted(Path.home().glob(".ipython/profile_default/startup/*.py")):
        runpy.run_path(str(file))


SLEEP = time.sleep


def hurry() -> None:
    """Spares what takes the SDK most of its time and changes no request: pauses, and reading or checking again."""
    time.sleep = lambda seconds: SLEEP(min(seconds, PAUSE))
    boto3.setup_default_session()
    # At every look at its defaults the SDK has its own schema checked against the schema of schemas.
    jsonschema.Draft202012Validator.check_schema = lambda schema, **_: None


def stay_local() -> None:
    """The SDK spells out the address of STS, in the place of AWS_ENDPOINT_URL."""
    client = boto3.Session.client

    def local(self, *args, endpoint_url=None, **rest):
        return client(self, *args, **rest)

    boto3.Session.client = local


def know_oneself(metadata: str) -> None:
    """Has the SDK read what a notebook is told about itself below the test's own root."""
    for module in list(sys.modules.values()):
        if hasattr(module, "NOTEBOOK_METADATA_FILE"):
            module.NOTEBOOK_METADATA_FILE = metadata


def next_second() -> None:
    """The SDK calls jobs after the second in which they begin, and people do not begin two in one."""
    now = time.time()
    SLEEP(1 - now % 1)


def run(task, role: str | None) -> dict:
    """What became of a task: nothing, or the error that ended it."""
    next_second()
    with tempfile.TemporaryDirectory() as directory, contextlib.chdir(directory):
        for name in ("preprocess.py", "train.py"):
            Path(name).write_text("print('done')\n")
        try:
            with contextlib.redirect_stdout(sys.stderr):
                task(role)
        except Exception as error:
            traceback.print_exc()
            return {"error": f"{type(error).__name__}: {error}"}
    return {"error": None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("version", choices=("two", "three"))
    parser.add_argument("environment", type=Path)
    parser.add_argument("--role", help="what tasks are given for a role, where the SDK has none from its defaults")
    args = parser.parse_args()
    environment = json.loads(args.environment.read_text())
    settle(environment)
    start_up()
    hurry()
    stay_local()
    sys.path.insert(0, str(HERE / args.version))
    with contextlib.redirect_stdout(sys.stderr):
        tasks = {task.__name__: task for task in importlib.import_module("tasks").TASKS}
    know_oneself(environment["metadata"])
    for line in sys.stdin:
        name = line.strip()
        answer = list(tasks) if name == "tasks" else run(tasks[name], args.role)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
