"""gRPC for threads."""

from __future__ import annotations

import threading
from typing import Any

import grpc

from .channel_options import failure, open_channel
from .fork import abandon, forget_in_children
from .steps import Failure, Reply, Send
from .tls import Doors, TlsFiles
from .v1.tollgate_pb2_grpc import TollgateStub


class ThreadChannel:
    """One channel for all threads of a process, opened when it is first needed.

    A process that is forked off (gunicorn, Celery, multiprocessing) opens its own.
    """

    def __init__(self, address: str, files: TlsFiles) -> None:
        self._doors = Doors(address, files)
        self._lock = threading.Lock()
        self._open: tuple[Any, TollgateStub, Any] | None = None
        forget_in_children(self)

    def send(self, step: Send) -> Reply:
        """Sends one request and waits for its reply. Never raises what gRPC does."""
        try:
            reply: Reply = getattr(self._stub(), step.method)(step.request, timeout=step.timeout)
            return reply
        except grpc.RpcError as error:
            return failure(error)
        except ValueError as closed:  # What gRPC raises if another thread has closed the channel.
            return Failure("CANCELLED", str(closed), sent=False)

    def close(self) -> None:
        """Closes the channel. A later send opens another."""
        with self._lock:
            opened, self._open = self._open, None
        if opened is not None:
            opened[0].close()

    def before_fork(self) -> None:
        """See Forgetful."""

    def after_fork(self) -> None:
        """See Forgetful."""

    def forget(self) -> None:
        """See Forgetful."""
        self._lock = threading.Lock()
        self._doors.forget()
        if self._open is not None:
            abandon(self._open)
            self._open = None

    def _stub(self) -> TollgateStub:
        with self._lock:
            credentials = self._doors.credentials()
            # After a renewal, calls under way end on the channel before, which then goes.
            if self._open is None or self._open[2] is not credentials:
                channel = open_channel(grpc, self._doors.target, credentials)
                stub = TollgateStub(channel)  # type: ignore[no-untyped-call]
                self._open = (channel, stub, credentials)
            return self._open[1]
