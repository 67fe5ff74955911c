"""Text as the API takes it."""

import re

# What the API takes for a text, in bytes.
MAX_BYTES = 256

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def text_of(value: object) -> str:
    """Anything as one line of UTF-8 that fits, cut off at its end. Never raises."""
    try:
        whole = str.__str__(value) if isinstance(value, str) else str(value)
    except Exception:  # Other people's objects may raise anything.
        whole = type(value).__name__
    line = _CONTROL.sub(" ", whole).strip()
    return line.encode(errors="replace")[:MAX_BYTES].decode(errors="ignore").strip()
