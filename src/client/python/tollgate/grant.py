"""What the body of an allowed call holds in its hand."""

from .decision import Decision
from .log import log
from .text import text_of
from .usage import Usage, checked, usage_of


class Grant:
    """One allowed call, until it is settled at the end of its `with`. No I/O; never raises."""

    def __init__(self, decision: Decision, call_id: str) -> None:
        self._decision = decision
        self._call_id = call_id
        self._usage = Usage()
        self._released: str | None = None
        self._over = False

    @property
    def decision(self) -> Decision:
        """What was decided, rule by rule."""
        return self._decision

    @property
    def call_id(self) -> str:
        """The id of the call: for logs, and for the headers of a provider that takes one."""
        return self._call_id

    @property
    def degraded(self) -> bool:
        """The rules were not consulted: `decision.degraded_reason` says why."""
        return self._decision.degraded

    def used(
        self,
        source: object = None,
        *,
        model: str = "",
        provider: str = "",
        tokens_in: int | None = None,
        tokens_out: int | None = None,
        cached_tokens_in: int | None = None,
        cache_write_tokens_in: int | None = None,
        cost: float | None = None,
    ) -> None:
        """Reports what the call has used; nothing is sent before the end of the `with`.

        `source` is the provider's response, or its usage object, as it came; of a response only the
        usage and the model are sent. Or in numbers: tokens_in counts those read from and written to
        the provider's cache too, tokens_out those of reasoning; cost is in USD. Numbers count
        instead of the source's. Said again, the later word counts. What cannot be used is logged.
        """
        if self._over:
            log.warning("call %s is over: what it is said to have used is lost", self._call_id)
            return
        nothing = tokens_in is None and tokens_out is None and cost is None
        if source is not None or nothing:
            self._usage = self._usage.then(usage_of(source))
        said = checked(
            model=model,
            provider=provider,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            cached_tokens_in=cached_tokens_in,
            cache_write_tokens_in=cache_write_tokens_in,
            cost=cost,
        )
        self._usage = self._usage.then(said)

    def release(self, why: object = "") -> None:
        """The call was never sent: at the end of the `with` it is given back, not settled.

        The attempt stays counted. Where use was reported too, that counts instead. `why` is a few
        words, or the exception.
        """
        self._released = text_of(why)

    def _end(self) -> tuple[Usage, str | None]:
        """What was reported, and why the call is to be released if it is."""
        self._over = True
        return self._usage.consistent(), None if self._usage else self._released
