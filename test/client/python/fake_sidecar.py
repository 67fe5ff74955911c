"""A gRPC server in the place of the sidecar: says what a test has scripted, keeps what it got."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass
from typing import Any

import grpc

from tollgate.v1 import tollgate_pb2 as api

Answer = Callable[[Any, Any], Any]

_REQUESTS: dict[str, Any] = {
    "Authorize": api.AuthorizeRequest,
    "Settle": api.SettleRequest,
    "Release": api.ReleaseRequest,
}


@dataclass(frozen=True)
class Seen:
    """One request, as it came."""

    method: str
    raw: bytes
    request: Any
    seconds_left: float
    """Of its deadline, on arrival."""


class FakeSidecar(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Allows and settles everything, but for the answers in `script`, which come first in turn."""

    def __init__(self, address: str = "127.0.0.1:0") -> None:
        self.seen: list[Seen] = []
        self.script: list[Answer] = []
        self._lock = threading.Condition()
        self._server = grpc.server(futures.ThreadPoolExecutor(16), handlers=(self,))
        port = self._server.add_insecure_port(address)
        self.address = address.replace("127.0.0.1:0", f"127.0.0.1:{port}")
        self._server.start()

    def service(self, details: Any) -> Any:
        method = details.method.rsplit("/", 1)[1]

        def handle(raw: bytes, context: Any) -> bytes:
            request = _REQUESTS[method].FromString(raw)
            with self._lock:
                self.seen.append(Seen(method, raw, request, context.time_remaining()))
                self._lock.notify_all()
                answer = self.script.pop(0) if self.script else self.usual
            return bytes(answer(request, context).SerializeToString())

        return grpc.unary_unary_rpc_method_handler(handle)

    def usual(self, request: Any, context: Any) -> Any:
        """Yes to everything."""
        if isinstance(request, api.AuthorizeRequest):
            return allow(request)
        if isinstance(request, api.SettleRequest):
            return api.SettleResponse(call_id=request.call_id, state=api.CALL_STATE_SETTLED)
        return api.ReleaseResponse(call_id=request.call_id, state=api.CALL_STATE_RELEASED)

    def hang(self, request: Any, context: Any) -> Any:
        """Is carried out, and gives no answer before the caller has gone."""
        gone = threading.Event()
        if context.add_callback(gone.set):
            gone.wait(20)
        return self.usual(request, context)

    def of(self, method: str) -> list[Any]:
        """The requests of one method, in the order in which they came."""
        return [seen.request for seen in self.seen if seen.method == method]

    def wait_for(self, method: str, count: int = 1) -> list[Any]:
        """As of, once there are so many."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self.of(method)) >= count, 20):
                raise AssertionError(f"{len(self.of(method))} of {count} {method}")
        return self.of(method)

    def stop(self) -> None:
        self._server.stop(0).wait()


def allow(request: Any) -> Any:
    return api.AuthorizeResponse(
        verdict=api.VERDICT_ALLOW, call_id=request.call_id, lineage=f"token-{request.call_id}"
    )


def deny(**fields: Any) -> Answer:
    """Denies, with these fields of the response."""
    fields.setdefault("reason", "loop-detection: 50 of 50 calls in 60 s")
    return lambda request, _context: api.AuthorizeResponse(
        verdict=api.VERDICT_DENY, call_id=request.call_id, **fields
    )


def fail(code: Any, details: str = "as the test wants") -> Answer:
    def answer(_request: Any, context: Any) -> Any:
        context.abort(code, details)

    return answer


def peers(request: Any, context: Any) -> Any:
    """Allows, and says in policy_hash which connection the request came by."""
    response = allow(request)
    response.policy_hash = context.peer()
    return response


class PeerSidecar(FakeSidecar):
    """Always answers as `peers`."""

    def usual(self, request: Any, context: Any) -> Any:
        if isinstance(request, api.AuthorizeRequest):
            return peers(request, context)
        return super().usual(request, context)


class SilentSidecar(FakeSidecar):
    """Carries out everything, and does not answer those who ask."""

    def usual(self, request: Any, context: Any) -> Any:
        gone = threading.Event()
        if isinstance(request, api.AuthorizeRequest) and context.add_callback(gone.set):
            gone.wait(20)
        return super().usual(request, context)


if __name__ == "__main__":  # In a process of its own, until its input ends.
    print(PeerSidecar().address, flush=True)
    sys.stdin.read()
