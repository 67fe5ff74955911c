"""The usage in what a provider's library returned; the rest of it leaves the process nowhere."""

from collections.abc import Mapping

from .plain import Plain, plain

# Where the providers' responses have their usage, and the name of the model that answered.
USAGE_KEYS = ("usage", "usageMetadata", "usage_metadata", "usage_info", "tokenUsage")
MODEL_KEYS = ("model", "modelVersion", "model_version")

# Events of streams, and some gateways, have the response in an envelope.
ENVELOPES = ("response", "result")


def usage_in(source: object) -> dict[str, Plain]:
    """Of a response its usage and its model; of a usage object its numbers. See plain for shapes.

    Raises TypeError if neither is to be found, or what the object itself raises.
    """
    found = _of_response(source)
    if found is None:
        for envelope in ENVELOPES:
            inner = _of_response(_field(source, envelope))
            if inner is not None:
                return {envelope: inner}
        numbers = _numbers(plain(source, attributes=True))
        if any("token" in name.lower() for name, value in numbers.items() if _is_number(value)):
            return numbers
        raise TypeError(f"no usage in a {type(source).__name__}")
    return found


def model_in(usage: Mapping[str, Plain]) -> str:
    """The model that usage_in has found; "" if it found none."""
    for part in (usage, *(usage.get(envelope) for envelope in ENVELOPES)):
        if isinstance(part, Mapping):
            for key in MODEL_KEYS:
                model = part.get(key)
                if isinstance(model, str):
                    return model
    return ""


def _of_response(source: object) -> dict[str, Plain] | None:
    usages = {key: _field(source, key) for key in USAGE_KEYS}
    found = {
        key: plain(usage, attributes=True) for key, usage in usages.items() if usage is not None
    }
    billed = _field(_field(source, "meta"), "billed_units")  # Cohere's.
    if not found and billed is not None:
        found = {"meta": {"billed_units": plain(billed, attributes=True)}}
    if not found:
        return None
    models = {key: _field(source, key) for key in MODEL_KEYS}
    return {**found, **{key: model for key, model in models.items() if isinstance(model, str)}}


def _field(source: object, name: str) -> object:
    if isinstance(source, Mapping):
        return source.get(name)
    return getattr(source, name, None)


def _numbers(value: Plain) -> dict[str, Plain]:
    """Numbers, and numbers below: all that a usage object by itself is for."""
    if not isinstance(value, dict):
        return {}
    kept: dict[str, Plain] = {name: part for name, part in value.items() if _is_number(part)}
    below = {name: _numbers(part) for name, part in value.items() if isinstance(part, dict)}
    return {**kept, **{name: part for name, part in below.items() if part}}


def _is_number(value: Plain) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
