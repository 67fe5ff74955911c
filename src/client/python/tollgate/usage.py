"""What a call has really used, as its caller reports it."""

import json
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .log import log
from .report import model_in, usage_in
from .text import MAX_BYTES, text_of

# What the API takes for usage_json, in bytes.
MAX_JSON_BYTES = 32 * 1024

# What the API takes for a number of tokens, and for a cost in USD.
MAX_TOKENS = 1_000_000_000
MAX_COST_USD = 1_000_000


@dataclass(frozen=True)
class Usage:
    """What is None or empty was not reported, and stays as it was held."""

    json: str = ""
    """The provider's usage, by its own names."""
    model: str = ""
    provider: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    cached_tokens_in: int | None = None
    cache_write_tokens_in: int | None = None
    cost: float | None = None

    def __bool__(self) -> bool:
        """Is anything of what it used known?"""
        numbers = (self.tokens_in, self.tokens_out, self.cost)
        return bool(self.json) or any(number is not None for number in numbers)

    def then(self, later: "Usage") -> "Usage":
        """The later word on each thing counts."""
        said: dict[str, Any] = {k: v for k, v in vars(later).items() if v not in (None, "")}
        return replace(self, **said)

    def consistent(self) -> "Usage":
        """Without the parts of tokens_in that are more than the whole, which are logged."""
        parts = (self.cached_tokens_in or 0) + (self.cache_write_tokens_in or 0)
        if self.tokens_in is None or parts <= self.tokens_in:
            return self
        log.warning("of %d tokens_in, %d are not cached ones: not counted", self.tokens_in, parts)
        return replace(self, cached_tokens_in=None, cache_write_tokens_in=None)


def usage_of(source: object) -> Usage:
    """Reads a provider's response or usage object: see usage_in for its shapes.

    Never raises: the call has been paid for when this runs, and its result is worth more than its
    price. What cannot be read is logged, and the call is settled at what it held.
    """
    try:
        found = usage_in(source)
        text = json.dumps(found, allow_nan=False, separators=(",", ":"))
        if len(text) > MAX_JSON_BYTES:
            raise ValueError(f"over {MAX_JSON_BYTES} bytes")
    except Exception as problem:  # Other people's objects may raise anything.
        log.warning("a usage report cannot be read, and its call counts as estimated: %s", problem)
        return Usage()
    return replace(checked(model=model_in(found)), json=text)


def checked(**said: object) -> Usage:
    """What can be used of the fields of a Usage; the rest is logged. Never raises: see usage_of."""
    kept: dict[str, Any] = {}
    for name, value in said.items():
        if value is None or isinstance(value, str) and not value:
            continue
        try:
            kept[name] = _READ.get(name, _tokens)(value)
        except Exception as problem:
            log.warning("%s cannot be used, and counts as not reported: %s", name, problem)
    return Usage(**kept)


def _tokens(value: Any) -> int:
    tokens = operator.index(value)
    if not 0 <= tokens <= MAX_TOKENS:
        raise ValueError(f"{tokens} is not 0 to {MAX_TOKENS}")
    return tokens


def _cost(value: Any) -> float:
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{value!r} is no number")
    cost = float(value)
    if not 0 <= cost <= MAX_COST_USD:
        raise ValueError(f"{cost} is not 0 to {MAX_COST_USD} USD")
    return cost


def _name(value: object) -> str:
    """The whole of it or nothing: another name may have another price."""
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} is no text")
    name = text_of(value)
    if name != value.strip():
        raise ValueError(f"over {MAX_BYTES} bytes, or not in one line of UTF-8")
    return name


_READ: dict[str, Callable[[Any], Any]] = {"model": _name, "provider": _name, "cost": _cost}
