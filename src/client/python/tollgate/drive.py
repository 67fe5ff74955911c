"""Carrying out steps, in a thread or in a task."""

from collections.abc import Awaitable, Callable

from .steps import Pause, Reply, Send, Steps, T


def drive(steps: Steps[T], send: Callable[[Send], Reply], pause: Callable[[float], None]) -> T:
    """Carries out the steps one by one, and returns what they come to.

    What interrupts one of them is raised in the steps, which clear up, and then here.
    """
    reply: Reply | None = None
    while True:
        try:
            step = steps.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result
        try:
            reply = None
            if isinstance(step, Pause):
                pause(step.seconds)
            else:
                reply = send(step)
        except BaseException as interruption:
            steps.throw(interruption)
            raise


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
        try:
            reply = None
            if isinstance(step, Pause):
                await pause(step.seconds)
            else:
                reply = await send(step)
        except BaseException as interruption:
            steps.throw(interruption)
            raise
