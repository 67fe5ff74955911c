"""One call, from the question to the settlement."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from .admission import Admitted, admit
from .backlog import Backlog
from .contact import Contact
from .grant import Grant
from .lineage import Lineage, current_lineage
from .log import log
from .options import OnDenied, Options
from .settlement import Outcome, release_request, settle_request
from .steps import Steps
from .transport import Transport
from .v1 import tollgate_pb2 as api


class Call:
    """A context manager for `with` and for `async with`, for one call; made by Gate.call.

    Entering asks, and raises Denied or CallError instead of running the body. Leaving settles: what
    was reported; where nothing was, what the call held, unless the body raised, since nobody knows
    then what it used: the hold stays charged until it runs out. Leaving waits for nothing, and
    raises nothing of its own.
    """

    def __init__(
        self,
        make_request: Callable[[], api.AuthorizeRequest],
        own_id: bool,
        options: Options,
        on_denied: OnDenied,
        transport: Transport,
        contact: Contact,
        backlog: Backlog,
    ) -> None:
        self._make_request = make_request
        self._own_id = own_id
        self._options = options
        self._on_denied = on_denied
        self._transport = transport
        self._contact = contact
        self._backlog = backlog
        self._asked = False
        self._admitted: tuple[api.AuthorizeRequest, Grant] | None = None
        self._lineage = Lineage()

    def __enter__(self) -> Grant:
        return self._enter(self._transport.run(self._admission()))

    async def __aenter__(self) -> Grant:
        return self._enter(await self._transport.arun(self._admission()))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._admitted is not None
        request, grant = self._admitted
        self._lineage.leave()
        try:
            self._end(request, grant, kind)
        except Exception as problem:  # The body's result is worth more.
            log.warning("the settlement of call %s is lost: %r", request.call_id, problem)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    def _admission(self) -> Steps[Admitted]:
        if self._asked:
            raise RuntimeError("one gate.call(...) is one call: make another")
        self._asked = True
        return admit(
            self._make_request(),
            self._options,
            self._on_denied,
            self._contact,
            self._backlog,
            self._own_id,
        )

    def _enter(self, admitted: Admitted) -> Grant:
        request, decision = admitted
        grant = Grant(decision, request.call_id)
        self._admitted = request, grant
        outer = current_lineage()
        self._lineage = Lineage(
            token=decision.lineage or (outer.token if outer else ""),
            call_id=request.call_id,
            run=request.run_id,
        )
        self._lineage.enter()
        return grant

    def _end(
        self, request: api.AuthorizeRequest, grant: Grant, kind: type[BaseException] | None
    ) -> None:
        usage, released = grant._end()
        if released is not None:
            self._backlog.keep("Release", release_request(request, released))
        elif usage or kind is None:
            settled = settle_request(request, usage, _outcome(kind), grant.decision.alone)
            self._backlog.keep("Settle", settled)


def _outcome(kind: type[BaseException] | None) -> Outcome:
    if kind is None:
        return "ok"
    return "error" if issubclass(kind, Exception) else "cancelled"
