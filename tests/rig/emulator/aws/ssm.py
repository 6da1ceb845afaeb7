"""SSM: DescribeParameters answers ARNs, and as many as were asked for."""

from moto.core.responses import ActionResult
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.ssm.utils import parameter_arn

from .patching import wraps

PAGE = 10
LARGEST_PAGE = 50


@wraps(SimpleSystemManagerResponse)
def describe_parameters(_original, self):
    found = self.ssm_backend.describe_parameters(self._get_param("Filters"), self._get_param("ParameterFilters"))
    start = int(str(self._get_param("NextToken") or "0").strip())
    end = start + min(int(self._get_param("MaxResults") or PAGE), LARGEST_PAGE)
    parameters = [parameter.describe_response_object(False) for parameter in found[start:end]]
    for parameter in parameters:
        parameter["ARN"] = parameter_arn(self.current_account, self.region, parameter["Name"])
    return ActionResult({"Parameters": parameters} | ({"NextToken": str(end)} if end < len(found) else {}))
