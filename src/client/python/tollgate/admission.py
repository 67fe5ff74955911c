"""Asking whether a call may go on."""

import random
import time

from .ask import AWAY, ask
from .contact import Contact
from .decision import Decision, read_decision, without_sidecar
from .errors import CallError, Denied
from .options import OnDenied, Options
from .steps import Failure, Pause, Steps
from .v1 import tollgate_pb2 as api

# Added to a wait as a share of it, at most: who was denied together does not come back together.
JITTER = 0.1

# The shortest wait, in seconds: a limit of many small calls names milliseconds, and asking that
# often costs more than it gains.
SHORTEST_WAIT = 0.05


def admit(
    request: api.AuthorizeRequest, options: Options, on_denied: OnDenied, contact: Contact
) -> Steps[Decision]:
    """Asks until the call is allowed. Raises Denied, or CallError if the request is a bad one.

    With on_denied="wait", a denial that time can lift is waited for and asked again, as long as the
    whole of it stays within max_wait. Nothing else waits.
    """
    began = time.monotonic()
    waited = 0.0
    while True:
        decision = yield from _decide(request, options, contact)
        if decision.allowed:
            return decision
        # Whichever is more: a fake gate's waits take no time, and asking takes some.
        left = options.max_wait - max(waited, time.monotonic() - began)
        wait = decision.retry_after
        if on_denied != "wait" or wait is None or max(wait, SHORTEST_WAIT) > left:
            raise Denied(decision, request.tool or request.model)
        pause = min(max(wait, SHORTEST_WAIT) * (1 + random.uniform(0, JITTER)), left)
        yield Pause(pause)
        waited += pause


def _decide(request: api.AuthorizeRequest, options: Options, contact: Contact) -> Steps[Decision]:
    """What the sidecar says, or the failure mode where none says anything."""
    reply = yield from ask("Authorize", request, options.timeout)
    contact.note(reply)
    if isinstance(reply, api.AuthorizeResponse):
        return read_decision(reply)
    assert isinstance(reply, Failure)
    if reply.code in AWAY:
        return without_sidecar(options.failure_mode, request.call_id, reply)
    raise CallError(reply.code, reply.details, request.call_id)
