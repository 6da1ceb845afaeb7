"""Fixes that concern every service: typed answers, and the cost of a call."""

import functools
import warnings

import moto.backends
import moto.core.responses
from moto.core.common_models import BaseModel
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import method_names_from_class
from moto.moto_api._internal.models import MotoAPIBackend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from . import later
from .patching import AwsError, wraps


@wraps(BaseResponse)
def call_action(original, self):
    """An operation moto lacks is a typed 501, not a bare 500 that SDKs retry."""
    try:
        return original(self)
    except NotImplementedError as error:
        missing = AwsError("NotImplemented", f"{self.service_name} {self._get_action()}: {error}", status=501)
        return self.serialized(ActionResult(missing))


@wraps(BaseResponse)
def serialized(original, self, action_result):
    """An error that has a status of its own is answered with it."""
    status, headers, body = original(self, action_result)
    if isinstance(action_result.result, AwsError):
        status = action_result.result.status or status
    return status, headers, body


# moto lists a class's methods and its own directory on every call, and tries
# every service's pattern to find one: together more than the call itself.
moto.core.responses.method_names_from_class = functools.cache(lambda cls: frozenset(method_names_from_class(cls)))
modules = frozenset(moto.backends.list_of_moto_modules())
moto.backends.list_of_moto_modules = lambda: modules
DomainDispatcherApplication.get_backend_for_host = functools.cache(DomainDispatcherApplication.get_backend_for_host)


# moto warns of every error code that is not in botocore's models.
warnings.filterwarnings("ignore", category=UserWarning, module="moto")


def untracked(cls, *_, **__):
    """moto keeps every object it ever made, for its dashboard: a leak here."""
    return object.__new__(cls)


BaseModel.__new__ = untracked


@wraps(MotoAPIBackend)
def reset(original, self):
    """What was to happen to the state goes with it."""
    later.forget()
    original(self)
