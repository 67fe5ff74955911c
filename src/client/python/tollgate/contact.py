"""Whether a sidecar answers, said once each time that this changes."""

from .ask import is_away
from .log import log
from .steps import Failure, Reply


class Contact:
    """Belongs to a gate. Threads may race: at worst a change is logged twice."""

    def __init__(self, address: str, consequence: str) -> None:
        self._address = address
        self._consequence = consequence
        self._lost = False

    def note(self, reply: Reply) -> None:
        """Takes note of how a request ended."""
        lost = is_away(reply)
        if lost and not self._lost and isinstance(reply, Failure):
            log.warning(
                "no sidecar answers at %s (%s): %s", self._address, reply, self._consequence
            )
        elif not lost and self._lost:
            log.warning("the sidecar at %s answers again", self._address)
        self._lost = lost
