"""What asking about a call can raise."""

import math

from .decision import Decision


class TollgateError(Exception):
    """Every exception of this package."""


class Denied(TollgateError):
    """The call may not go on, and was not made; nothing stays charged.

    The text is the decision's reason, for people; `tell` is for the model. `what` is the tool or
    the model that was to be called.
    """

    def __init__(self, decision: Decision, what: str = "") -> None:
        super().__init__(decision.reason)
        self.decision = decision
        self.what = what

    def __reduce__(self) -> tuple[type["Denied"], tuple[Decision, str]]:
        """Pickles with its decision: process pools hand exceptions back that way."""
        return Denied, (self.decision, self.what)

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
        """The agent is stopped, not just this call."""
        return self.decision.halt is not None

    @property
    def tell(self) -> str:
        """For the model to read: what was denied, when to try again, what would still fit."""
        to_what = f" to {self.what}" if self.what else ""
        return f"The call{to_what} was not made: {_sentence(self.reason)} {_advice(self.decision)}"


class CallError(TollgateError):
    """The sidecar refused the request itself: a bug or an attack, and so never allowed.

    `code` is the gRPC status: INVALID_ARGUMENT (the text names every violated field),
    ALREADY_EXISTS (the call id is finished or belongs to a different request), PERMISSION_DENIED
    (an identity that is not this pod's, or a forged lineage token), RESOURCE_EXHAUSTED (over
    64 KiB), or any other that does not mean that nobody answered.
    """

    def __init__(self, code: str, details: str, call_id: str) -> None:
        super().__init__(f"{code}: {details}")
        self.code = code
        self.details = details
        self.call_id = call_id

    def __reduce__(self) -> tuple[type["CallError"], tuple[str, str, str]]:
        """As Denied."""
        return CallError, (self.code, self.details, self.call_id)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _advice(decision: Decision) -> str:
    wait = decision.retry_after
    seconds = math.ceil(wait) if wait is not None else 0
    if decision.halt is not None:
        if wait is None:
            return "You are stopped until a person resumes you: make no further calls, and say so."
        return f"You are stopped: make no further calls within the next {_many(seconds, 'second')}."
    usd, tokens = decision.affordable_cost_usd, decision.affordable_tokens_out
    fits = [f"costs at most ${_decimal(usd)}"] if usd else []
    fits += [f"asks for at most {_many(tokens, 'output token')}"] if tokens else []
    smaller = f" A call that {' and '.join(fits)} passes now." if fits else ""
    if wait is None:
        return f"Do not repeat it as it is: waiting is no help.{smaller}"
    return f"Do not repeat it within the next {_many(seconds, 'second')}.{smaller}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _decimal(usd: float) -> str:
    """Without an exponent, to the nano-dollar that the API counts in."""
    return f"{usd:.9f}".rstrip("0").rstrip(".")
