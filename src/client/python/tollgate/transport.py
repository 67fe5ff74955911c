"""The way to a sidecar, or to what stands in for one."""

from collections.abc import Callable
from typing import Protocol

from .drive import adrive, drive
from .steps import Reply, Send, Steps, T


class Transport(Protocol):
    """Carries out steps. Threads and event loops share one."""

    immediate: bool
    """It answers without waiting: nothing needs to happen behind the caller's back."""

    def send(self, step: Send) -> Reply:
        """Carries out one request in this thread."""

    def run(self, steps: Steps[T]) -> T:
        """Carries out the steps in this thread, and returns what they come to."""

    async def arun(self, steps: Steps[T]) -> T:
        """Carries them out in this task."""

    def close(self) -> None:
        """Lets go of what threads have opened. A later send opens it again."""

    async def aclose(self) -> None:
        """Lets go of what arun has opened in this event loop."""


class Immediate:
    """A Transport that answers from a function: no socket, and a pause takes no time."""

    immediate = True

    def __init__(self, answer: Callable[[Send], Reply]) -> None:
        self._answer = answer

    def send(self, step: Send) -> Reply:
        return self._answer(step)

    def run(self, steps: Steps[T]) -> T:
        return drive(steps, self._answer, lambda _seconds: None)

    async def arun(self, steps: Steps[T]) -> T:
        return self.run(steps)

    def close(self) -> None:
        return None

    async def aclose(self) -> None:
        return None
