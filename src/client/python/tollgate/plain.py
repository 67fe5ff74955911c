"""Any value as what JSON has: how other people's objects are read."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

# Deeper than any provider's usage object; an object that refers to itself ends here.
MAX_DEPTH = 12


def plain(
    value: object,
    *,
    attributes: bool = False,
    otherwise: "Callable[[object], Plain] | None" = None,
    depth: int = MAX_DEPTH,
) -> "Plain":
    """Takes JSON's own types, mappings, sequences, dataclasses and pydantic models (1 and 2).

    With `attributes`, other objects are their public attributes. All else is `otherwise`'s, or
    raises TypeError.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if depth == 0:
        if otherwise is not None:
            return otherwise(value)
        raise TypeError("nested too deeply")

    def inner(part: object) -> Plain:
        return plain(part, attributes=attributes, otherwise=otherwise, depth=depth - 1)

    if isinstance(value, Mapping):
        return {str(key): inner(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
        return [inner(part) for part in parts]
    is_class = isinstance(value, type)
    if not is_class and dataclasses.is_dataclass(value):
        return {f.name: inner(getattr(value, f.name)) for f in dataclasses.fields(value)}
    dump = None if is_class else _dump_of(value)
    if dump is not None:
        return inner(dump())
    if attributes and not is_class and hasattr(value, "__dict__"):
        public = {k: v for k, v in vars(value).items() if not k.startswith("_") and not callable(v)}
        if public:
            return inner(public)
    if otherwise is not None:
        return otherwise(value)
    raise TypeError(f"{type(value).__name__} has no plain form")


def _dump_of(value: object) -> Callable[[], object] | None:
    """How a pydantic model becomes plain, under the names that it has on the wire."""
    dumps: tuple[tuple[str, dict[str, object]], ...] = (
        ("model_dump", {"mode": "json", "by_alias": True, "exclude_none": True}),
        ("dict", {"by_alias": True, "exclude_none": True}),
    )
    for name, options in dumps:
        method = getattr(value, name, None)
        if callable(method):
            return functools.partial(method, **options)
    return None
