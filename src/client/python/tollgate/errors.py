"""What asking about a call can raise."""

from .decision import Decision


class TollgateError(Exception):
    """Every exception of this package."""


class Denied(TollgateError):
    """The call may not go on; nothing was charged. It was not sent.

    The text is the decision's reason, for people; `tell` is for the model.
    """

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.reason)
        self.decision = decision

    def __reduce__(self) -> tuple[type["Denied"], tuple[Decision]]:
        """Pickles with its decision: process pools hand exceptions back that way."""
        return Denied, (self.decision,)

    @property
    def reason(self) -> str:
        """One sentence: rule, partition, used and limit, when to try again."""
        return self.decision.reason

    @property
    def rule(self) -> str | None:
        """The id of the first rule that denied; None where a person's halt or no sidecar did."""
        return self.decision.denied_by

    @property
    def retry_after(self) -> float | None:
        """Seconds until this same call could pass; None when waiting does not help."""
        return self.decision.retry_after

    @property
    def halted(self) -> bool:
        """The agent is stopped: no call of it passes until the halt ends."""
        return self.decision.halt is not None

    @property
    def tell(self) -> str:
        """A short text that a model can read in place of a tool's result, and act upon."""
        decision = self.decision
        if self.halted and decision.retry_after is None:
            advice = "This agent is halted: stop, and report this."
        elif decision.never_fits:
            advice = "It will not be allowed later either: go on without it, or ask for less."
        elif decision.retry_after is None:
            advice = "Do not repeat it: go on without it, or report this."
        else:
            seconds = max(1, round(decision.retry_after))
            advice = f"Do not repeat it in the next {seconds} s: go on without it, or report this."
        return f"This call was denied and did not run: {decision.reason}. {advice}"


class CallError(TollgateError):
    """The sidecar refused the request itself: a bug or an attack, and so never allowed.

    `code` is the gRPC status: INVALID_ARGUMENT (the text names every violated field),
    ALREADY_EXISTS (the call id is finished or belongs to a different request), PERMISSION_DENIED
    (an identity that is not this pod's, or a forged lineage token), RESOURCE_EXHAUSTED (over
    64 KiB), or any other that does not mean that the sidecar is away.
    """

    def __init__(self, code: str, details: str, call_id: str) -> None:
        super().__init__(f"{code}: {details}")
        self.code = code
        self.details = details
        self.call_id = call_id

    def __reduce__(self) -> tuple[type["CallError"], tuple[str, str, str]]:
        """As Denied."""
        return CallError, (self.code, self.details, self.call_id)
