"""What a conversation with the sidecar consists of, whoever carries it out.

Asking, waiting and settling are generators of steps that know no socket, clock or event loop: one
logic for threads and for asyncio, and a test can play the sidecar without either.
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


@dataclass(frozen=True)
class Failure:
    """The gRPC status of a request that was not answered."""

    code: str
    details: str

    def __str__(self) -> str:
        return f"{self.code}: {self.details}"


T = TypeVar("T")
Reply = Response | Failure
Step = Send | Pause
Steps = Generator[Step, Reply | None, T]
