"""Asking whether a call may go on."""

import random
import time
import uuid

from .ask import ask
from .backlog import Backlog
from .contact import Contact
from .decision import Decision, read_decision, without_sidecar
from .errors import CallError, Denied
from .options import OnDenied, Options
from .settlement import release_request
from .steps import Failure, Pause, Reply, Steps
from .v1 import tollgate_pb2 as api

# Added to a wait as a share of it, at most: who was denied together does not come back together.
JITTER = 0.1

# The shortest wait, in seconds: a limit of many small calls names milliseconds, and asking that
# often costs more than it gains.
SHORTEST_WAIT = 0.05

Admitted = tuple[api.AuthorizeRequest, Decision]


def admit(
    request: api.AuthorizeRequest,
    options: Options,
    on_denied: OnDenied,
    contact: Contact,
    backlog: Backlog,
    own_id: bool = False,
) -> Steps[Admitted]:
    """Asks until the call is allowed, and returns it. Raises Denied, or CallError if it is broken.

    With on_denied="wait", a denial that time can lift is waited for and asked again, as long as the
    whole of it stays within max_wait. Nothing else waits.

    Whoever is not told that the call may go on keeps no hold: where an answer is missing, what it
    may have charged is given back. The id of such a call is spent, and a wait goes on under a new
    one, unless the caller has given it (`own_id`).
    """
    began = time.monotonic()
    waited = 0.0
    unheard = False
    try:
        while True:
            answer = yield from ask(request, options.timeout, contact)
            unheard |= answer.unheard
            decision = _decision(request, answer.reply, unheard, options)
            if decision.allowed:
                return request, decision
            # Whichever is more: a fake gate's waits take no time, and asking takes some.
            left = options.max_wait - max(waited, time.monotonic() - began)
            wait = decision.retry_after
            # The caller's own id can be finished, and is then denied for good.
            finished = own_id and isinstance(answer.reply, Failure) and not answer.reply.lost
            if on_denied != "wait" or wait is None or max(wait, SHORTEST_WAIT) > left or finished:
                if unheard and decision.degraded:
                    backlog.keep("Release", release_request(request, "no answer came"))
                raise Denied(decision, request.tool or request.model)
            if unheard and decision.degraded and not own_id:
                backlog.keep("Release", release_request(request, "no answer came"))
                request, unheard = _anew(request), False
            pause = min(max(wait, SHORTEST_WAIT) * (1 + random.uniform(0, JITTER)), left)
            yield Pause(pause)
            waited += pause
    except (Denied, CallError):
        raise
    except BaseException:  # Perhaps it is admitted just now.
        backlog.keep("Release", release_request(request, "interrupted while asking"))
        raise


def _decision(
    request: api.AuthorizeRequest, reply: Reply, unheard: bool, options: Options
) -> Decision:
    """What the sidecar says, or the failure mode where none says anything."""
    if isinstance(reply, api.AuthorizeResponse):
        return read_decision(reply)
    assert isinstance(reply, Failure)
    # After a try whose reply was lost, an id that is finished is the sidecar's doing, and no bug.
    if reply.lost or (unheard and reply.code == "ALREADY_EXISTS"):
        return without_sidecar(options.failure_mode, request.call_id, unheard)
    raise CallError(reply.code, reply.details, request.call_id)


def _anew(request: api.AuthorizeRequest) -> api.AuthorizeRequest:
    fresh = api.AuthorizeRequest()
    fresh.CopyFrom(request)
    fresh.call_id = str(uuid.uuid4())
    return fresh
