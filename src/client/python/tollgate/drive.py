"""Carrying out steps, in a thread or in a task."""

from collections.abc import Awaitable, Callable

from .steps import Pause, Reply, Send, Steps, T


def drive(steps: Steps[T], send: Callable[[Send], Reply], pause: Callable[[float], None]) -> T:
    """Carries out the steps one by one, and returns what they come to."""
    reply: Reply | None = None
    while True:
        try:
            step = steps.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result
        if isinstance(step, Pause):
            pause(step.seconds)
            reply = None
        else:
            reply = send(step)


async def adrive(
    steps: Steps[T],
    send: Callable[[Send], Awaitable[Reply]],
    pause: Callable[[float], Awaitable[None]],
) -> T:
    """As drive."""
    reply: Reply | None = None
    while True:
        try:
            step = steps.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result
        if isinstance(step, Pause):
            await pause(step.seconds)
            reply = None
        else:
            reply = await send(step)
