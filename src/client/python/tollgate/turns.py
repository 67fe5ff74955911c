"""Requests take turns on a connection."""

from __future__ import annotations

import asyncio
from collections import deque

from .steps import Failure

# Requests in the air at once in one event loop. A burst of more waits here, where it costs no
# deadline: sent all at once, a busy loop would read the last replies too late and call that an
# absent sidecar.
MOST = 32


class Turns:
    """Belongs to an event loop."""

    def __init__(self) -> None:
        self._free = MOST
        self._waiting: deque[asyncio.Future[Failure | None]] = deque()
        self._all_over = asyncio.Event()
        self._all_over.set()

    async def take(self, seconds: float) -> Failure | None:
        """Waits for a turn, which is to be ended; or for a Failure, if it has become pointless."""
        if self._free > 0:
            self._free -= 1
            self._all_over.clear()
            return None
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Failure | None] = loop.create_future()
        late = Failure("DEADLINE_EXCEEDED", "too many requests of this process wait", sent=False)
        timer = loop.call_later(seconds, _resolve, turn, late)
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result() is None:
                self.end()
            raise
        finally:
            timer.cancel()

    def end(self) -> None:
        """The next one's turn."""
        while self._waiting:
            if _resolve(self._waiting.popleft(), None):
                return
        self._free += 1
        if self._free == MOST:
            self._all_over.set()

    def fail(self, failure: Failure) -> None:
        """For all who wait."""
        while self._waiting:
            _resolve(self._waiting.popleft(), failure)

    async def all_over(self) -> None:
        """Waits until nobody has a turn, or waits for one."""
        await self._all_over.wait()


def _resolve(turn: asyncio.Future[Failure | None], result: Failure | None) -> bool:
    if turn.done():
        return False
    turn.set_result(result)
    return True
