"""What a call has really used, as its caller reports it."""

import json
from dataclasses import dataclass, replace
from typing import Any

from .log import log
from .report import model_in, usage_in

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
    return Usage(json=text, model=model_in(found))


def checked(usage: Usage) -> Usage:
    """Without the numbers that the API would refuse, which are logged: see usage_of."""
    refused: dict[str, Any] = {}
    for name in ("tokens_in", "tokens_out", "cached_tokens_in", "cache_write_tokens_in"):
        tokens: object = getattr(usage, name)
        if tokens is None or (isinstance(tokens, int) and 0 <= tokens <= MAX_TOKENS):
            continue
        log.warning("%s=%r is no number of tokens, and counts as not reported", name, tokens)
        refused[name] = None
    cost: object = usage.cost
    if cost is not None and not (isinstance(cost, (int, float)) and 0 <= cost <= MAX_COST_USD):
        log.warning("cost=%r is no cost in USD, and counts as not reported", cost)
        refused["cost"] = None
    return replace(usage, **refused)
