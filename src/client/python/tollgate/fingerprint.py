"""What makes two calls of a tool the same call."""

import hashlib
import inspect
import json
import re
from collections.abc import Mapping

from .plain import plain

# Where an object is in memory is no part of what it is.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def fingerprint(
    signature: inspect.Signature, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> str:
    """SHA-256 in hex of the arguments, by name, defaults included.

    What JSON does not have (a date, a UUID, bytes) counts as Python writes it, without addresses:
    a session, a client or self counts by its type. Raises TypeError, as the function itself would,
    if the arguments do not fit it.
    """
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    known = {name: _known(value) for name, value in bound.arguments.items()}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _known(value: object) -> object:
    try:
        return plain(value, otherwise=_written)
    except Exception:  # Other people's objects may raise anything.
        return _written(value)


def _written(value: object) -> str:
    try:
        return _ADDRESS.sub("", repr(value))
    except Exception:
        return type(value).__qualname__
