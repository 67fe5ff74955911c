"""What makes two calls of a tool the same call."""

import hashlib
import inspect
import json
from collections.abc import Mapping

from .plain import plain


def fingerprint(
    signature: inspect.Signature, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> str:
    """SHA-256 in hex of the arguments that have a plain form, by name, defaults included.

    Others (a session, a client, self) are left out. Raises TypeError, as the function itself would,
    if the arguments do not fit it.
    """
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    known: dict[str, object] = {}
    for name, value in bound.arguments.items():
        try:
            known[name] = plain(value)
        except TypeError:
            continue
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
