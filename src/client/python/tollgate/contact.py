"""Whether a sidecar answers, said once each time that this changes."""

from .log import log
from .steps import Failure, Reply


class Contact:
    """Belongs to a gate. Threads may race: at worst a change is logged twice."""

    def __init__(self, address: str, consequence: str) -> None:
        self._address = address
        self._consequence = consequence
        self.lost = False
        """Nobody has answered lately, for all the tries there are."""

    def note(self, reply: Reply) -> None:
        """Takes note of how the last try ended."""
        lost = isinstance(reply, Failure) and reply.lost
        if lost and not self.lost:
            log.warning(
                "no sidecar answers at %s (%s): %s", self._address, reply, self._consequence
            )
        elif not lost and self.lost:
            log.warning("the sidecar at %s answers again", self._address)
        self.lost = lost
