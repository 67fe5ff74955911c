"""Telling what a call has really used."""

from typing import Literal

from .ask import ask, is_away
from .backlog import Backlog
from .contact import Contact
from .log import log
from .options import Options
from .steps import Failure, Method, Request, Steps
from .usage import Usage
from .v1 import tollgate_pb2 as api

Outcome = Literal["ok", "error", "cancelled"]

_OUTCOMES = {
    "ok": api.OUTCOME_OK,
    "error": api.OUTCOME_ERROR,
    "cancelled": api.OUTCOME_CANCELLED,
}


def settle(
    call: api.AuthorizeRequest,
    usage: Usage,
    outcome: Outcome,
    alone: bool,
    options: Options,
    contact: Contact,
    backlog: Backlog,
) -> Steps[None]:
    """Settles a call. Never raises: what nobody answers is kept, what is refused is logged.

    A call that was decided alone is sent in full: if the sidecar was never asked about it, it is
    charged all the same, and marked as unauthorized. No other is: one whose hold has been forgotten
    would be taken for a call that nobody has authorized.
    """
    request = api.SettleRequest(
        call_id=call.call_id,
        agent_id=call.agent_id,
        team_id=call.team_id,
        cost_centre=call.cost_centre,
        instance=call.instance,
        model=usage.model or call.model,
        provider=usage.provider or call.provider,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        cached_tokens_in=usage.cached_tokens_in,
        cache_write_tokens_in=usage.cache_write_tokens_in,
        cost=usage.cost,
        usage_json=usage.json,
        outcome=_OUTCOMES[outcome],
        call=call if alone else None,
    )
    yield from _tell("Settle", request, options, contact, backlog)


def release(
    call: api.AuthorizeRequest, why: str, options: Options, contact: Contact, backlog: Backlog
) -> Steps[None]:
    """Gives back a call that was never sent. Never raises, as settle."""
    request = api.ReleaseRequest(
        call_id=call.call_id,
        agent_id=call.agent_id,
        team_id=call.team_id,
        cost_centre=call.cost_centre,
        instance=call.instance,
        why=why,
    )
    yield from _tell("Release", request, options, contact, backlog)


def _tell(
    method: Method, request: Request, options: Options, contact: Contact, backlog: Backlog
) -> Steps[None]:
    reply = yield from ask(method, request, options.timeout)
    contact.note(reply)
    if not isinstance(reply, Failure):
        yield from backlog.tell(options)
    elif is_away(reply):
        backlog.keep(method, request, reply)
    else:
        log.warning("%s of call %s is lost: %s", method, request.call_id, reply)
