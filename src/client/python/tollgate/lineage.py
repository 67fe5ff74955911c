"""Which call caused which: the call, or the run, that the running code is inside of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "tollgate-lineage"


class Lineage:
    """One entered call, run or hop. What it causes carries its token, or what stands in for one."""

    def __init__(self, *, token: str = "", call_id: str = "", run: str = "") -> None:
        self.token = token
        """AuthorizeResponse.lineage; empty at the root of a run, or where no sidecar gave one."""
        self.call_id = call_id
        """The call, where there is no token of it to say so."""
        self.run = run
        """The run; a token knows its own."""
        self._outer: Lineage | None = None
        self._left = False

    def enter(self) -> None:
        """From here on the code of this context is inside."""
        self._outer = _current.get()
        _current.set(self)

    def leave(self) -> None:
        """The code is outside again.

        Not ContextVar.reset: generators leave in any order, and even in another context. What other
        contexts copied stays: a task started inside is still caused by it.
        """
        self._left = True
        if _current.get() is not self:
            return
        outer = self._outer
        while outer is not None and outer._left:
            outer = outer._outer
        _current.set(outer)


_current: ContextVar[Lineage | None] = ContextVar("tollgate_lineage", default=None)


def current_lineage() -> Lineage | None:
    """What the running code is inside of."""
    return _current.get()


@contextmanager
def inside(lineage: Lineage) -> Iterator[Lineage]:
    """Enters and leaves."""
    lineage.enter()
    try:
        yield lineage
    finally:
        lineage.leave()


Headers = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[str | bytes, str | bytes]]


def token_in(headers: Headers) -> str:
    """The token in the headers of a request, or "".

    Takes a mapping (of any case), a WSGI environ, the pairs of ASGI or of gRPC metadata, the _meta
    of MCP; keys and values may be bytes.
    """
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    for name, value in pairs:
        if _text(name).lower().replace("_", "-") in (HEADER, f"http-{HEADER}"):
            return _text(value)
    return ""


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
