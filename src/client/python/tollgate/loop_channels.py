"""gRPC for asyncio."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import grpc
import grpc.aio

from .channel_options import failure, open_channel
from .fork import abandon, forget_in_children
from .steps import Failure, Reply, Send
from .tls import Doors, TlsFiles
from .turns import Turns
from .v1.tollgate_pb2_grpc import TollgateStub

# How long a request waits for its turn at most, in timeouts: a sidecar that answers gets through a
# burst of a thousand in that, and the tries of a question stay within a few seconds.
QUEUE_TIMEOUTS = 4


class _LoopChannel:
    """What one event loop of one process has opened."""

    def __init__(self, target: str, credentials: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.credentials = credentials
        self.channel: Any = open_channel(grpc.aio, target, credentials)
        self.stub = TollgateStub(self.channel)  # type: ignore[no-untyped-call]
        self.turns = Turns()
        self.answered_at = self.loop.time()


class LoopChannels:
    """A channel for each event loop, opened when it is first needed."""

    def __init__(self, address: str, files: TlsFiles) -> None:
        self._doors = Doors(address, files)
        self._lock = threading.Lock()
        self._open: dict[int, _LoopChannel] = {}
        forget_in_children(self)

    async def send(self, step: Send) -> Reply:
        """Sends one request and waits for its reply. Never raises what gRPC does.

        Where nobody has answered anything since it was sent, all who wait for their turn fail too.
        """
        opened = self._here()
        kept_waiting = await opened.turns.take(QUEUE_TIMEOUTS * step.timeout)
        if kept_waiting is not None:
            return kept_waiting
        try:
            return await self._sent(opened, step)
        finally:
            opened.turns.end()

    async def close(self) -> None:
        """Closes the channel of the running loop. A later send opens another."""
        with self._lock:
            opened = self._open.pop(id(asyncio.get_running_loop()), None)
        if opened is not None:
            # Each is over within its timeout; gRPC would cancel the tasks that wait for them.
            await opened.turns.all_over()
            await opened.channel.close()

    def before_fork(self) -> None:
        """See Forgetful."""

    def after_fork(self) -> None:
        """See Forgetful."""

    def forget(self) -> None:
        """See Forgetful."""
        self._lock = threading.Lock()
        self._doors.forget()
        abandon(self._open)
        self._open = {}

    async def _sent(self, opened: _LoopChannel, step: Send) -> Reply:
        sent_at = opened.loop.time()
        try:
            method = getattr(opened.stub, step.method)
            reply: Reply = await method(step.request, timeout=step.timeout)
        except grpc.RpcError as error:
            reply = failure(error)
        except grpc.aio.UsageError as closed:
            reply = Failure("CANCELLED", str(closed), sent=False)
        if not (isinstance(reply, Failure) and reply.lost):
            opened.answered_at = opened.loop.time()
        elif opened.answered_at <= sent_at:
            opened.turns.fail(replace(reply, sent=False))
        return reply

    def _here(self) -> _LoopChannel:
        loop = asyncio.get_running_loop()
        with self._lock:
            opened = self._open.get(id(loop))
            credentials = self._doors.credentials()
            # After a renewal, calls under way end on the channel before, which then goes.
            if opened is None or opened.loop is not loop or opened.credentials is not credentials:
                # Loops that have ended since (asyncio.run, again and again) are let go of.
                self._open = {
                    key: old for key, old in self._open.items() if not old.loop.is_closed()
                }
                opened = self._open[id(loop)] = _LoopChannel(
                    self._doors.target, credentials
                )
            return opened
