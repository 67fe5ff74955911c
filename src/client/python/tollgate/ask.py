"""One question, repeated where that is safe."""

import random
from dataclasses import dataclass

from .contact import Contact
from .steps import Failure, Pause, Reply, Send, Steps, is_lost
from .v1 import tollgate_pb2 as api

# A lost reply and a restart of the sidecar are over within three tries, or take longer than an
# agent should hang: about two seconds, whether nobody answers or nobody is there.
TRIES = 3

# The longest pause before the second try, in seconds, doubled for the third: after a reply that was
# lost, and after a connection that was refused, which takes no time itself. The real one is drawn
# from its upper half, so that a fleet does not come back in step.
LOST_PAUSE = 0.05
REFUSED_PAUSE = 0.75

# Why a degraded denial says nothing of the next moment: it was a hiccup, not an outage.
PASSING = frozenset({"deadline", "overloaded", "timeout"})


@dataclass(frozen=True)
class Answer:
    """What came of a question."""

    reply: Reply
    unheard: bool
    """The reply to one of the tries was lost: the call may be charged, whatever the last one said."""


def ask(request: api.AuthorizeRequest, timeout: float, contact: Contact) -> Steps[Answer]:
    """Sends the same request, so the same call id, up to three times until somebody answers.

    A try that was carried out and whose reply was lost is charged once all the same: the sidecar
    knows the id again. A denial that is due to a hiccup is no answer yet; any other is, and so is
    an error. While contact is lost there is one try: somebody else has waited already.
    """
    tries = 1 if contact.lost else TRIES
    unheard = False
    for made in range(tries):
        reply = yield Send("Authorize", request, timeout)
        assert reply is not None, "whoever carries out a Send owes its reply"
        refused = isinstance(reply, Failure) and not reply.sent
        unheard |= is_lost(reply) and not refused
        if made + 1 == tries or not (is_lost(reply) or _is_passing(reply)):
            contact.note(reply)
            return Answer(reply, unheard)
        longest = (REFUSED_PAUSE if refused else LOST_PAUSE) * 2**made
        yield Pause(random.uniform(longest / 2, longest))
    raise AssertionError("the last try returns")


def _is_passing(reply: Reply) -> bool:
    return (
        isinstance(reply, api.AuthorizeResponse)
        and reply.verdict != api.VERDICT_ALLOW
        and reply.degraded
        and reply.degraded_reason in PASSING
    )
