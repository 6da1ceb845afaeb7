"""SSM: DescribeParameters answers ARNs."""

from moto.ssm.responses import SimpleSystemManagerResponse
from moto.ssm.utils import parameter_arn

from .patching import wraps


@wraps(SimpleSystemManagerResponse)
def describe_parameters(original, self):
    action = original(self)
    for parameter in action.result["Parameters"]:
        parameter["ARN"] = parameter_arn(self.current_account, self.region, parameter["Name"])
    return action
