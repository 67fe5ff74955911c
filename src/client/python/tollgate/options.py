"""How a gate behaves."""

import math
import os
import re
from dataclasses import dataclass
from typing import Literal

from .identity import Identity
from .tls import SCHEME, TlsFiles

OnDenied = Literal["raise", "wait", "tell"]
FailureMode = Literal["allow", "deny"]

DEFAULT_ADDRESS = "127.0.0.1:7400"

# The address of no sidecar: everything is allowed, and nothing is sent.
OFF = "off"

# gRPC takes nearly anything for a name to be resolved, and says so at the first call.
_ADDRESS = re.compile(
    r"unix(-abstract)?:.+|(tls://|dns:(//[^/]*/)?|ipv4:|ipv6:)?(\[[^\]\s]+\]|[^\[\]:/@\s]+):\d{1,5}"
)

# One try at an answer, in seconds. The sidecar answers within 50 ms of its own; the rest is for a
# busy machine on either side.
DEFAULT_TIMEOUT = 0.25

# The longest that on_denied="wait" waits for one call, in seconds: a window of a minute has slid
# by then, and a day's budget is not worth a thread.
DEFAULT_MAX_WAIT = 60.0


@dataclass(frozen=True)
class Options:
    """The choices of connect(), with every default filled in. Times are in seconds."""

    address: str
    identity: Identity
    run: str
    on_denied: OnDenied
    failure_mode: FailureMode
    max_wait: float
    timeout: float
    tls: TlsFiles = TlsFiles()

    def __post_init__(self) -> None:
        check_on_denied(self.on_denied)
        if self.failure_mode not in ("allow", "deny"):
            raise ValueError(f"failure_mode is allow or deny, not {self.failure_mode!r}")
        if self.address != OFF and not _ADDRESS.fullmatch(self.address):
            # What holds an @ may hold a password.
            given = "what has a user or a password" if "@" in self.address else repr(self.address)
            raise ValueError(
                f"address is host:port, tls://host:port, unix:///path or off, not {given}"
            )
        if self.address.startswith(SCHEME):
            self.tls.check()
        if not 0 < self.timeout < math.inf:
            raise ValueError(f"timeout is more than 0 seconds, not {self.timeout!r}")
        if not self.max_wait >= 0:
            raise ValueError(f"max_wait is 0 seconds or more, not {self.max_wait!r}")


def check_on_denied(on_denied: str) -> None:
    """Raises ValueError for what is no OnDenied: not everybody runs a type checker."""
    if on_denied not in ("raise", "wait", "tell"):
        raise ValueError(f"on_denied is raise, wait or tell, not {on_denied!r}")


def address_or_default(address: str | None) -> str:
    """host:port, unix:///path or "off"; what is None comes from TOLLGATE_ADDRESS."""
    return address or os.environ.get("TOLLGATE_ADDRESS") or DEFAULT_ADDRESS
