"""No sidecar, on purpose: TOLLGATE_ADDRESS=off."""

from .steps import Reply, Send
from .v1 import tollgate_pb2 as api


def answer_off(step: Send) -> Reply:
    """Allows everything."""
    request = step.request
    if isinstance(request, api.AuthorizeRequest):
        return api.AuthorizeResponse(
            verdict=api.VERDICT_ALLOW, call_id=request.call_id, unmatched=True
        )
    if isinstance(request, api.SettleRequest):
        return api.SettleResponse(call_id=request.call_id, state=api.CALL_STATE_SETTLED)
    return api.ReleaseResponse(call_id=request.call_id, state=api.CALL_STATE_RELEASED)
