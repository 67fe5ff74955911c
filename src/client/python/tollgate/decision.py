"""What Tollgate says of one call."""

import time
from dataclasses import dataclass, replace
from typing import Literal

from .v1 import tollgate_pb2 as api

# Seconds before it is worth asking again where Redis or the sidecar was away: it is back in about
# that, or later.
DEGRADED_RETRY = 1.0

_ACTIONS: dict[int, str] = {
    api.ACTION_BLOCK: "block",
    api.ACTION_HALT: "halt",
    api.ACTION_ALERT: "alert",
    api.ACTION_SHADOW: "shadow",
}

_METRICS: dict[int, str] = {
    api.METRIC_CALLS: "calls",
    api.METRIC_ESTIMATED_COST_USD: "estimated_cost_usd",
    api.METRIC_TOKENS: "tokens",
    api.METRIC_TOKENS_IN: "tokens_in",
    api.METRIC_TOKENS_OUT: "tokens_out",
}


@dataclass(frozen=True)
class RuleStatus:
    """How one matching rule stands; limit, used and remaining are calls, tokens or USD."""

    rule: str
    action: str
    """block, halt, alert or shadow."""
    metric: str
    """calls, estimated_cost_usd, tokens, tokens_in or tokens_out; empty if it only denies."""
    partition: str
    """Whose window it is, e.g. "agent=customer-support-v2"."""
    limit: float | None
    used: float | None
    """This call included, if it was charged. None when the decision is degraded."""
    remaining: float | None
    denied: bool
    near_limit: bool


@dataclass(frozen=True)
class Halt:
    """Why an agent is stopped; times are microseconds since the Unix epoch."""

    agent: str
    """The agent that is halted, or "*" for every agent."""
    since_us: int
    until_us: int | None
    """None until somebody resumes it."""
    rule: str
    by: str
    why: str


@dataclass(frozen=True)
class Amounts:
    """What a call holds."""

    cost_usd: float
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True)
class Decision:
    """One answer of Authorize, or what stands in for it while no sidecar answers."""

    allowed: bool
    call_id: str
    reason: str = ""
    """On a denial, one sentence for people; else empty."""
    rules: tuple[RuleStatus, ...] = ()
    """Every rule that matched, in the order of the policy."""
    amounts: Amounts = Amounts(0.0, 0, 0)
    retry_after: float | None = None
    """On a denial, seconds until this same call could pass; None when waiting does not help.

    Where nothing could be asked, in about this time somebody may know more.
    """
    never_fits: bool = False
    affordable_cost_usd: float | None = None
    affordable_tokens_out: int | None = None
    degraded: bool = False
    """No limit was checked: Redis gave the sidecar no answer, or the sidecar gave none."""
    degraded_reason: str = ""
    """As in the API; or unreachable (no sidecar is there), unanswered (one is, and is silent)."""
    unmatched: bool = False
    repeat: int = 0
    policy_hash: str = ""
    lineage: str = ""
    """The token that calls caused by this one pass on."""
    halt: Halt | None = None

    @property
    def alone(self) -> bool:
        """A failure mode decided in the place of the sidecar, which then may not know the call."""
        return self.degraded_reason in ("unanswered", "unreachable")

    @property
    def denied_by(self) -> str | None:
        """The id of the first rule that denied or halted the agent; None where no rule did."""
        if self.halt is not None:
            return self.halt.rule or None
        return next((status.rule for status in self.rules if status.denied), None)


def read_decision(response: api.AuthorizeResponse) -> Decision:
    """Anything but VERDICT_ALLOW is a denial, whatever a later API may add."""
    return Decision(
        allowed=response.verdict == api.VERDICT_ALLOW,
        call_id=response.call_id,
        reason=response.reason,
        rules=tuple(_rule(status) for status in response.rules),
        amounts=Amounts(
            response.amounts.cost_usd, response.amounts.tokens_in, response.amounts.tokens_out
        ),
        retry_after=_retry_after(response),
        never_fits=response.never_fits,
        affordable_cost_usd=(
            response.affordable_cost_usd if response.HasField("affordable_cost_usd") else None
        ),
        affordable_tokens_out=(
            response.affordable_tokens_out if response.HasField("affordable_tokens_out") else None
        ),
        degraded=response.degraded,
        degraded_reason=response.degraded_reason,
        unmatched=response.unmatched,
        repeat=response.repeat,
        policy_hash=response.policy_hash,
        lineage=response.lineage,
        halt=_halt(response.halt) if response.HasField("halt") else None,
    )


def without_sidecar(mode: Literal["allow", "deny"], call_id: str, unheard: bool) -> Decision:
    """The decision of the failure mode, for a call about which no sidecar said anything.

    `unheard`: one may have been there, and its reply was lost.
    """
    degraded = Decision(
        allowed=True,
        call_id=call_id,
        degraded=True,
        degraded_reason="unanswered" if unheard else "unreachable",
    )
    if mode == "allow":
        return degraded
    reason = "the sidecar did not answer in time" if unheard else "the sidecar cannot be reached"
    return replace(degraded, allowed=False, reason=reason, retry_after=DEGRADED_RETRY)


def _retry_after(response: api.AuthorizeResponse) -> float | None:
    if response.verdict == api.VERDICT_ALLOW or response.never_fits:
        return None
    if response.HasField("retry_after_ms"):
        return response.retry_after_ms / 1000
    if response.HasField("halt"):
        # By the clock of Redis, as far as its time is known.
        now_us = response.decided_at_us or time.time_ns() // 1000
        until_us = response.halt.until_us
        return max(0.0, (until_us - now_us) / 1_000_000) if until_us else None
    return DEGRADED_RETRY if response.degraded else None


def _rule(status: api.RuleStatus) -> RuleStatus:
    return RuleStatus(
        rule=status.rule_id,
        action=_ACTIONS.get(status.action, ""),
        metric=_METRICS.get(status.metric, ""),
        partition=status.partition,
        limit=status.limit if status.HasField("limit") else None,
        used=status.used if status.HasField("used") else None,
        remaining=status.remaining if status.HasField("remaining") else None,
        denied=status.denied,
        near_limit=status.near_limit,
    )


def _halt(halt: api.Halt) -> Halt:
    return Halt(
        agent=halt.agent_id,
        since_us=halt.since_us,
        until_us=halt.until_us or None,
        rule=halt.rule_id,
        by=halt.by,
        why=halt.why,
    )
