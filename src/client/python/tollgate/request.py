"""What is asked about one call."""

import uuid
from collections.abc import Mapping

from .lineage import current_lineage
from .options import Options
from .v1 import tollgate_pb2 as api


def authorize_request(
    options: Options,
    *,
    model: str = "",
    tool: str = "",
    provider: str = "",
    operation: str = "",
    tokens_in: int = 0,
    max_tokens_out: int = 0,
    input_bytes: int = 0,
    estimated_cost: float | None = None,
    fingerprint: str = "",
    labels: Mapping[str, str] | None = None,
    call_id: str | None = None,
) -> api.AuthorizeRequest:
    """The request, with the identity of the gate and the lineage of the running code.

    It is made once per call, and every repeat of it is the same. Raises TypeError or ValueError for
    what does not fit its field's type; the sidecar checks the bounds.
    """
    lineage = current_lineage()
    token = lineage.token if lineage else ""
    request = api.AuthorizeRequest(
        call_id=call_id or str(uuid.uuid4()),
        agent_id=options.identity.agent,
        team_id=options.identity.team,
        cost_centre=options.identity.cost_centre,
        instance=options.identity.instance,
        tool=tool,
        model=model,
        provider=provider,
        operation=operation,
        # With a token, the run is the token's.
        run_id="" if token else (lineage and lineage.run) or options.run,
        parent=token,
        parent_call_id=lineage.call_id if lineage and not token else "",
        fingerprint=fingerprint,
        tokens_in=tokens_in,
        max_tokens_out=max_tokens_out,
        input_bytes=input_bytes,
        estimated_cost=estimated_cost,
        labels=labels,
    )
    request.timestamp.GetCurrentTime()
    return request
