"""What could not be told while no sidecar answered, kept until one does."""

from collections import deque

from .ask import ask, is_away
from .log import log
from .options import Options
from .steps import Failure, Method, Request, Steps

# Entries of about a kilobyte. Beyond them the oldest is lost, which is logged.
MOST = 1_000

# Told after each call that could be settled: the caller waits for these too, so few at a time.
AT_ONCE = 8


class Backlog:
    """Belongs to a gate; threads share it. It is lost with the process: close the gate before."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Method, Request]] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, method: Method, request: Request, failure: Failure) -> None:
        """Keeps what nobody has answered. Telling it twice does no harm: its call id is known."""
        log.warning("%s of call %s waits for a sidecar: %s", method, request.call_id, failure)
        self._kept.append((method, request))
        if len(self._kept) > MOST:
            lost, oldest = self._kept.popleft()
            log.warning("%s of call %s is lost: too many wait", lost, oldest.call_id)

    def tell(self, options: Options, most: int = AT_ONCE) -> Steps[None]:
        """Tells the oldest, until nobody answers."""
        for _ in range(min(most, len(self._kept))):
            try:
                method, request = self._kept.popleft()
            except IndexError:  # Another thread has told the rest.
                return
            reply = yield from ask(method, request, options.timeout)
            if isinstance(reply, Failure) and is_away(reply):
                self._kept.appendleft((method, request))
                return
            if isinstance(reply, Failure):
                log.warning("%s of call %s is lost: %s", method, request.call_id, reply)
