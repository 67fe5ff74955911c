"""A gate for unit tests."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .gate import Gate
from .identity import Identity
from .off import answer_off
from .options import FailureMode, OnDenied, Options
from .steps import Failure, Reply, Send
from .transport import Immediate
from .v1 import tollgate_pb2 as api


@dataclass
class _Script:
    """What the fake sidecar was asked, and how it is to answer."""

    calls: list[api.AuthorizeRequest] = field(default_factory=list)
    settlements: list[api.SettleRequest] = field(default_factory=list)
    releases: list[api.ReleaseRequest] = field(default_factory=list)
    deny: Callable[[api.AuthorizeRequest], api.AuthorizeResponse | None] = lambda _call: None
    away: bool = False

    def answer(self, step: Send) -> Reply:
        if self.away:
            return Failure("UNAVAILABLE", "the fake sidecar is away", sent=False)
        request = step.request
        if isinstance(request, api.SettleRequest):
            self.settlements.append(request)
        elif isinstance(request, api.ReleaseRequest):
            self.releases.append(request)
        else:
            self.calls.append(request)
            denial = self.deny(request)
            if denial is not None:
                return denial
            return api.AuthorizeResponse(
                verdict=api.VERDICT_ALLOW,
                call_id=request.call_id,
                lineage=f"lineage of {request.call_id}",
            )
        return answer_off(step)


class FakeGate(Gate):
    """Does all that a gate does, with a sidecar inside that allows everything until told otherwise.

    What it was asked is in calls, settlements and releases, in order, as the API has them.
    """

    def __init__(self, on_denied: OnDenied, failure_mode: FailureMode) -> None:
        self._script = _Script()
        options = Options(
            address="fake:1",
            identity=Identity("fake-agent", "", "", ""),
            run="",
            on_denied=on_denied,
            failure_mode=failure_mode,
            max_wait=60.0,
            timeout=1.0,
        )
        super().__init__(options, Immediate(self._script.answer))

    @property
    def calls(self) -> list[api.AuthorizeRequest]:
        """Every call that was asked about, denied ones too."""
        return self._script.calls

    @property
    def settlements(self) -> list[api.SettleRequest]:
        """Every settlement; `.call` in it is the call, if it was decided without a sidecar."""
        return self._script.settlements

    @property
    def releases(self) -> list[api.ReleaseRequest]:
        """Every call that was given back."""
        return self._script.releases

    def deny(
        self,
        when: Callable[[api.AuthorizeRequest], bool] = lambda _call: True,
        *,
        rule: str = "fake-rule",
        reason: str = "the test says no",
        retry_after: float | None = None,
    ) -> None:
        """From now on denies the calls of which `when` is true; waiting for them takes no time."""

        def denial(call: api.AuthorizeRequest) -> api.AuthorizeResponse | None:
            if not when(call):
                return None
            return api.AuthorizeResponse(
                verdict=api.VERDICT_DENY,
                call_id=call.call_id,
                reason=reason,
                rules=[api.RuleStatus(rule_id=rule, action=api.ACTION_BLOCK, denied=True)],
                retry_after_ms=None if retry_after is None else round(retry_after * 1000),
            )

        self._script.deny = denial
        self._script.away = False

    def go_away(self) -> None:
        """From now on nobody answers: the failure mode decides."""
        self._script.away = True

    def allow(self) -> None:
        """From now on allows everything again."""
        self._script.deny = lambda _call: None
        self._script.away = False


def fake_gate(*, on_denied: OnDenied = "raise", failure_mode: FailureMode = "deny") -> FakeGate:
    """A gate without a sidecar, for unit tests; the choices are those of connect()."""
    return FakeGate(on_denied, failure_mode)
