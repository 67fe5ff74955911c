"""gRPC for asyncio."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import grpc
import grpc.aio

from .channel_options import CHANNEL_OPTIONS
from .fork import abandon, forget_in_children
from .steps import Failure, Reply, Send
from .v1.tollgate_pb2_grpc import TollgateStub

# Requests in flight at once in one event loop. A burst of more waits here, where it costs no
# deadline: sent all at once, a busy loop would read the last replies too late and call that an
# absent sidecar.
MAX_IN_FLIGHT = 32


class _LoopChannel:
    """What one event loop of one process has opened."""

    def __init__(self, address: str) -> None:
        self.loop = asyncio.get_running_loop()
        self.channel: Any = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self.stub = TollgateStub(self.channel)  # type: ignore[no-untyped-call]
        self.slots = asyncio.Semaphore(MAX_IN_FLIGHT)


class LoopChannels:
    """A channel for each event loop, opened when it is first needed."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._open: dict[int, _LoopChannel] = {}
        forget_in_children(self)

    async def send(self, step: Send) -> Reply:
        """Sends one request and waits for its reply. Never raises what gRPC does."""
        opened = self._here()
        async with opened.slots:
            try:
                method = getattr(opened.stub, step.method)
                reply: Reply = await method(step.request, timeout=step.timeout)
                return reply
            except grpc.RpcError as error:
                return Failure(error.code().name, error.details() or "")
            except grpc.aio.UsageError as closed:
                return Failure("CANCELLED", str(closed))

    async def close(self) -> None:
        """Closes the channel of the running loop. A later send opens another."""
        with self._lock:
            opened = self._open.pop(id(asyncio.get_running_loop()), None)
        if opened is not None:
            await opened.channel.close()

    def forget(self) -> None:
        """See Forgetful."""
        self._lock = threading.Lock()
        abandon(self._open)
        self._open = {}

    def _here(self) -> _LoopChannel:
        loop = asyncio.get_running_loop()
        with self._lock:
            opened = self._open.get(id(loop))
            if opened is None or opened.loop is not loop:
                # Loops that have ended since (asyncio.run, again and again) are let go of.
                self._open = {
                    key: old for key, old in self._open.items() if not old.loop.is_closed()
                }
                opened = self._open[id(loop)] = _LoopChannel(self._address)
            return opened
