"""What a conversation with the sidecar consists of, whoever carries it out.

Asking and waiting are generators of steps that know no socket or event loop: one logic for threads
and for asyncio, and a test can play the sidecar without either.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, TypeVar

from .v1 import tollgate_pb2 as api

Method = Literal["Authorize", "Settle", "Release"]
Request = api.AuthorizeRequest | api.SettleRequest | api.ReleaseRequest
Response = api.AuthorizeResponse | api.SettleResponse | api.ReleaseResponse


@dataclass(frozen=True)
class Send:
    """Send one request, and give it this many seconds. Its reply is a Reply."""

    method: Method
    request: Request
    timeout: float


@dataclass(frozen=True)
class Pause:
    """Wait this many seconds. There is no reply."""

    seconds: float


# Nobody answered, or a defect did: another try may do better. All else is the caller's to mend.
LOST = frozenset(
    {"UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "CANCELLED", "ABORTED"}
)


@dataclass(frozen=True)
class Failure:
    """The gRPC status of a request that was not answered."""

    code: str
    details: str
    sent: bool = True
    """The sidecar may have read it all the same."""

    @property
    def lost(self) -> bool:
        """Nobody answered, so the same request may be sent again: its call id is charged once."""
        return self.code in LOST

    def __str__(self) -> str:
        return f"{self.code}: {self.details}"


T = TypeVar("T")
Reply = Response | Failure
Step = Send | Pause
Steps = Generator[Step, Reply | None, T]


def is_lost(reply: Reply) -> bool:
    """Did nobody answer?"""
    return isinstance(reply, Failure) and reply.lost
