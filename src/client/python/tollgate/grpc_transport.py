"""The way to a real sidecar."""

import asyncio
import time

from .channel import ThreadChannel
from .drive import adrive, drive
from .loop_channels import LoopChannels
from .steps import Reply, Send, Steps, T
from .tls import NO_FILES, TlsFiles


class GrpcTransport:
    """A Transport over gRPC. Opens nothing before the first call."""

    immediate = False

    def __init__(self, address: str, files: TlsFiles = NO_FILES) -> None:
        self._channel = ThreadChannel(address, files)
        self._channels = LoopChannels(address, files)

    def send(self, step: Send) -> Reply:
        return self._channel.send(step)

    def run(self, steps: Steps[T]) -> T:
        return drive(steps, self._channel.send, time.sleep)

    async def arun(self, steps: Steps[T]) -> T:
        return await adrive(steps, self._channels.send, asyncio.sleep)

    def close(self) -> None:
        self._channel.close()

    async def aclose(self) -> None:
        await self._channels.close()
