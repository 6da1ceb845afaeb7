"""Fixes that concern every service: typed answers, and the cost of a call."""

import functools

import moto.core.responses
from moto.core.common_models import BaseModel
from moto.core.exceptions import ServiceException
from moto.core.responses import BaseResponse
from moto.core.utils import method_names_from_class

from .patching import adds, wraps

# moto lists a class's methods on every call, which costs more than the call.
moto.core.responses.method_names_from_class = functools.cache(lambda cls: frozenset(method_names_from_class(cls)))
