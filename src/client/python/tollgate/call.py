"""One call, from the question to the settlement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from .admission import admit
from .backlog import Backlog
from .contact import Contact
from .decision import Decision
from .errors import TollgateError
from .grant import Grant
from .lineage import Lineage, current_lineage
from .options import OnDenied, Options
from .settlement import Outcome, release, settle
from .steps import Steps
from .transport import Transport
from .v1 import tollgate_pb2 as api


class Call:
    """A context manager for `with` and for `async with`, for one call; made by Gate.call.

    Entering asks, and raises Denied or CallError instead of running the body. Leaving settles: what
    was reported; where nothing was, what the call held, unless the body raised, since nobody knows
    then what it used: the hold stays charged until it runs out. Leaving raises nothing of its own.
    """

    def __init__(
        self,
        make_request: Callable[[], api.AuthorizeRequest],
        options: Options,
        on_denied: OnDenied,
        transport: Transport,
        contact: Contact,
        backlog: Backlog,
    ) -> None:
        self._make_request = make_request
        self._options = options
        self._on_denied = on_denied
        self._transport = transport
        self._contact = contact
        self._backlog = backlog
        self._request: api.AuthorizeRequest | None = None
        self._grant: Grant | None = None
        self._lineage = Lineage()

    def __enter__(self) -> Grant:
        steps = self._admission()
        try:
            return self._entered(self._transport.run(steps))
        except TollgateError:
            raise
        except BaseException:
            self._transport.run(self._giving_back())
            raise

    async def __aenter__(self) -> Grant:
        steps = self._admission()
        try:
            return self._entered(await self._transport.arun(steps))
        except TollgateError:
            raise
        except BaseException:
            self._in_task(self._giving_back())
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        steps = self._ending(kind)
        if steps is not None:
            self._transport.run(steps)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        steps = self._ending(kind)
        if steps is not None:
            await asyncio.shield(self._in_task(steps))

    def _in_task(self, steps: Steps[None]) -> asyncio.Task[None]:
        """Ends the call in a task of its own, so that a cancellation loses nothing.

        Those of anyio's scopes are delivered again at every await.
        """
        task = asyncio.create_task(self._transport.arun(steps))
        _endings.add(task)
        task.add_done_callback(_endings.discard)
        return task

    def _admission(self) -> Steps[Decision]:
        if self._request is not None:
            raise RuntimeError("one gate.call(...) is one call: make another")
        self._request = self._make_request()
        return admit(self._request, self._options, self._on_denied, self._contact)

    def _entered(self, decision: Decision) -> Grant:
        assert self._request is not None
        call_id = self._request.call_id
        outer = current_lineage()
        self._lineage = Lineage(
            token=decision.lineage or (outer.token if outer else ""),
            call_id=call_id,
            run=self._request.run_id,
        )
        self._lineage.enter()
        self._grant = Grant(decision, call_id)
        return self._grant

    def _giving_back(self) -> Steps[None]:
        """For a caller that was interrupted while it asked: perhaps the call is admitted."""
        assert self._request is not None
        why = "interrupted while asking"
        return release(self._request, why, self._options, self._contact, self._backlog)

    def _ending(self, kind: type[BaseException] | None) -> Steps[None] | None:
        """What remains to be said about the call; None if nothing does."""
        assert self._request is not None and self._grant is not None
        self._lineage.leave()
        usage, released = self._grant._end()
        gate = (self._options, self._contact, self._backlog)
        if released is not None:
            return release(self._request, released, *gate)
        if kind is not None and not usage:
            return None
        alone = self._grant.decision.alone
        return settle(self._request, usage, _outcome(kind), alone, *gate)


# Kept here, since asyncio keeps no task alive.
_endings: set[asyncio.Task[None]] = set()


async def all_settled() -> None:
    """Waits for the settlements of this loop whose callers were cancelled and are gone."""
    here = asyncio.get_running_loop()
    await asyncio.gather(*[task for task in _endings if task.get_loop() is here])


def _outcome(kind: type[BaseException] | None) -> Outcome:
    if kind is None:
        return "ok"
    return "error" if issubclass(kind, Exception) else "cancelled"
