"""One request, repeated where that is safe."""

import random

from .steps import Failure, Method, Pause, Reply, Request, Send, Steps

# A lost reply and a restart of the sidecar are over within three tries, or take longer than an
# agent should hang: at worst 3 x timeout and 150 ms.
TRIES = 3

# The longest pause before the second try, in seconds, doubled for the third. The real one is drawn
# from its upper half, so that a fleet does not come back in step.
FIRST_PAUSE = 0.05

# The codes that say that nobody answered, not that the request is bad.
AWAY = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})


def ask(method: Method, request: Request, timeout: float) -> Steps[Reply]:
    """Sends the same request, so the same call id, up to three times until somebody answers.

    A try that was carried out and whose reply was lost is charged once all the same: the sidecar
    knows the id again. What it answers, an error included, is not asked twice.
    """
    pause = FIRST_PAUSE
    for tries_left in reversed(range(TRIES)):
        reply = yield Send(method, request, timeout)
        assert reply is not None, "whoever carries out a Send owes its reply"
        if not is_away(reply) or tries_left == 0:
            return reply
        yield Pause(random.uniform(pause / 2, pause))
        pause *= 2
    raise AssertionError("the last try returns")


def is_away(reply: Reply) -> bool:
    """Did nobody answer?"""
    return isinstance(reply, Failure) and reply.code in AWAY
