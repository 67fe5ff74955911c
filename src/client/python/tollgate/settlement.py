"""What is told of a call when it is over."""

from typing import Literal

from .usage import Usage
from .v1 import tollgate_pb2 as api

Outcome = Literal["ok", "error", "cancelled"]

_OUTCOMES = {
    "ok": api.OUTCOME_OK,
    "error": api.OUTCOME_ERROR,
    "cancelled": api.OUTCOME_CANCELLED,
}


def settle_request(
    call: api.AuthorizeRequest, usage: Usage, outcome: Outcome, alone: bool
) -> api.SettleRequest:
    """What a call has really used.

    A call that was decided alone is sent in full: if the sidecar was never asked about it, it is
    charged all the same, and marked as unauthorized. No other is: one whose hold has been forgotten
    would be taken for a call that nobody has authorized.
    """
    return api.SettleRequest(
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


def release_request(call: api.AuthorizeRequest, why: str) -> api.ReleaseRequest:
    """A call that was never sent is given back."""
    return api.ReleaseRequest(
        call_id=call.call_id,
        agent_id=call.agent_id,
        team_id=call.team_id,
        cost_centre=call.cost_centre,
        instance=call.instance,
        why=why,
    )
