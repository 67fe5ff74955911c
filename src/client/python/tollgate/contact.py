"""Whether a sidecar answers, said once each time that this changes."""

import threading

from .log import log
from .steps import Failure, Reply
from .tls import NO_FILES, TlsFiles
from .trouble import may_be_tls, tls_trouble


class Contact:
    """Belongs to a gate. Threads may race: at worst a change is logged twice."""

    def __init__(self, address: str, consequence: str, tls: TlsFiles = NO_FILES) -> None:
        self._address = address
        self._tls = tls
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
            if may_be_tls(self._address):
                # It takes its time, and nobody waits for it.
                threading.Thread(target=self._say_trouble, name="tollgate-tls", daemon=True).start()
        elif not lost and self.lost:
            log.warning("the sidecar at %s answers again", self._address)
        self.lost = lost

    def _say_trouble(self) -> None:
        why = tls_trouble(self._address, self._tls)
        if why is not None:
            log.warning("the sidecar at %s cannot be used: %s", self._address, why)
