"""What every EC2 operation has: DryRun, and for most creations a ClientToken."""

from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.ec2.responses import EC2Response

from ..patching import AwsError, put_around, wraps


@wraps(EC2Response)
def call_action(original, self):
    """DryRun answers DryRunOperation for every operation and changes nothing."""
    if str(self._get_param("DryRun")).lower() == "true":
        return self.serialized(
            ActionResult(AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412))
        )
    return original(self)


def idempotent(original, self):
    """A call that repeats a ClientToken is given the first call's answer.

    With other parameters it is an error.
    """
    token = self._get_param("ClientToken")
    if not token:
        return original(self)
    asked = {name: value for name, value in self._get_params().items() if name != "ClientToken"}
    answered = self.ec2_backend.__dict__.setdefault("client_tokens", {})
    key = (self._get_action(), token)
    if key not in answered:
        answered[key] = (asked, original(self))
    before, answer = answered[key]
    if before != asked:
        raise AwsError(
            "IdempotentParameterMismatch",
            "The parameters of the request do not match those of the first request with this client token.",
        )
    return answer


def creations_with_token():
    """The Create operations moto has whose requests carry a ClientToken."""
    model = get_service_model("ec2")
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        method = camelcase_to_underscores(name)
        if name.startswith("Create") and shape and "ClientToken" in shape.members and hasattr(EC2Response, method):
            yield method


for creation in creations_with_token():
    put_around(EC2Response, creation, idempotent)
