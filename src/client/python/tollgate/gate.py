"""The gate: what an agent's code holds."""

from __future__ import annotations

import asyncio
import functools
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Literal, TypeVar, overload

from .backlog import Backlog
from .call import Call
from .contact import Contact
from .grpc_transport import GrpcTransport
from .identity import identity
from .lineage import HEADER, Headers, Lineage, current_lineage, inside, token_in
from .log import log
from .off import answer_off
from .options import (
    DEFAULT_MAX_WAIT,
    DEFAULT_TIMEOUT,
    OFF,
    FailureMode,
    OnDenied,
    Options,
    address_or_default,
    check_on_denied,
)
from .request import authorize_request
from .tls import tls_files
from .tool import F, Telling, gated
from .transport import Immediate, Transport

G = TypeVar("G", bound="Gate")

# Of close(), in seconds: a sidecar that restarts is back by then.
CLOSE_TIMEOUT = 5.0


def connect(
    address: str | None = None,
    *,
    agent: str | None = None,
    team: str | None = None,
    cost_centre: str | None = None,
    instance: str | None = None,
    ca_file: str | None = None,
    cert_file: str | None = None,
    key_file: str | None = None,
    run: str | None = None,
    on_denied: OnDenied = "raise",
    failure_mode: FailureMode = "deny",
    max_wait: float = DEFAULT_MAX_WAIT,
    timeout: float = DEFAULT_TIMEOUT,
) -> Gate:
    """A gate to the sidecar at `address`: host:port, tls://host:port, unix:///path, or "off" for none.

    Nothing is opened before the first call, so this belongs at the top of a module, whatever forks
    later. What is left out comes from the environment: TOLLGATE_ADDRESS (else 127.0.0.1:7400),
    TOLLGATE_AGENT_ID, TOLLGATE_TEAM_ID, TOLLGATE_COST_CENTRE, TOLLGATE_INSTANCE;
    for tls://, TOLLGATE_CLIENT_CA_FILE (else those that gRPC trusts), and for a sidecar that asks for
    a certificate, TOLLGATE_CLIENT_CERT_FILE and TOLLGATE_CLIENT_KEY_FILE.

    on_denied: "raise" raises Denied; "wait" waits where time helps, at most max_wait seconds a
    call; "tell" raises too, but from a @gate.tool returns a text for the model.
    failure_mode: whether calls pass while no sidecar answers.
    timeout: seconds for one try to be answered, of at most three.

    Raises ValueError for a choice that there is not, and for an address that is none.
    """
    options = Options(
        address=address_or_default(address),
        identity=identity(agent, team, cost_centre, instance),
        run=run or "",
        on_denied=on_denied,
        failure_mode=failure_mode,
        max_wait=max_wait,
        timeout=timeout,
        tls=tls_files(ca_file, cert_file, key_file),
    )
    if options.address == OFF:
        log.warning("tollgate is off: every call is allowed, and none is recorded")
        return Gate(options, Immediate(answer_off))
    return Gate(options, GrpcTransport(options.address, options.tls))


class Gate:
    """Gates calls, for threads and for asyncio alike. Thread-safe; made by connect()."""

    def __init__(self, options: Options, transport: Transport) -> None:
        self._options = options
        self._transport = transport
        passes = "calls pass unchecked" if options.failure_mode == "allow" else "calls are denied"
        self._contact = Contact(options.address, passes, options.tls)
        self._backlog = Backlog(transport, options.timeout, self._contact)

    def call(
        self,
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
        on_denied: OnDenied | None = None,
    ) -> Call:
        """One call: `with gate.call(model="gpt-4o") as grant:`, or `async with`.

        The body runs if the call is allowed; Denied or CallError is raised if it is not. See Call
        for what happens at its end, and AuthorizeRequest in the proto for the fields: give what is
        known, and tokens and cost (in USD) are estimated from that. call_id is made if not given.
        """
        if on_denied is not None:
            check_on_denied(on_denied)
        make_request = functools.partial(
            authorize_request,
            self._options,
            model=model,
            tool=tool,
            provider=provider,
            operation=operation,
            tokens_in=tokens_in,
            max_tokens_out=max_tokens_out,
            input_bytes=input_bytes,
            estimated_cost=estimated_cost,
            fingerprint=fingerprint,
            labels=labels,
            call_id=call_id,
        )
        return Call(
            make_request,
            bool(call_id),
            self._options,
            on_denied or self._options.on_denied,
            self._transport,
            self._contact,
            self._backlog,
        )

    @overload
    def tool(self, work: F, /) -> F: ...

    @overload
    def tool(
        self,
        /,
        *,
        name: str | None = None,
        cost: float | None = None,
        on_denied: Literal["raise", "wait"] | None = None,
    ) -> Callable[[F], F]: ...

    @overload
    def tool(
        self,
        /,
        *,
        name: str | None = None,
        cost: float | None = None,
        on_denied: Literal["tell"],
    ) -> Telling: ...

    def tool(
        self,
        work: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        cost: float | None = None,
        on_denied: OnDenied | None = None,
    ) -> Any:
        """Makes each run of a function, sync or async, one call: `@gate.tool`.

        The tool is called like the function unless `name` is given, costs `cost` USD if that is
        given, and its fingerprint is that of the arguments. It is settled at what it held.
        """
        chosen = on_denied or self._options.on_denied
        check_on_denied(chosen)

        def decorate(function: F) -> F:
            tool = name or str(getattr(function, "__name__", type(function).__name__))

            def open_call(fingerprint: str) -> Call:
                return self.call(
                    tool=tool,
                    estimated_cost=cost,
                    fingerprint=fingerprint,
                    on_denied=chosen,
                )

            return gated(function, open_call, tell=chosen == "tell")

        return decorate if work is None else decorate(work)

    @contextmanager
    def run(self, run_id: str | None = None) -> Iterator[str]:
        """Starts a run: the calls inside, and what they cause, are one task. Gives its id.

        Make run_id unique in the domain; without one it is made.
        """
        chosen = run_id or str(uuid.uuid4())
        with inside(Lineage(run=chosen)):
            yield chosen

    def headers(self) -> dict[str, str]:
        """What a request to another agent or service carries, so that its calls count to this one.

        Empty outside of a call.
        """
        lineage = current_lineage()
        return {HEADER: lineage.token} if lineage and lineage.token else {}

    @contextmanager
    def from_headers(self, headers: Headers) -> Iterator[None]:
        """The other side of headers(): the calls inside count to the call that sent them.

        Takes mappings of any case, WSGI environs, pairs as of ASGI or gRPC metadata, and the _meta
        of MCP. Without the header the calls inside start anew, whatever is around.
        """
        with inside(Lineage(token=token_in(headers))):
            yield

    def close(self, timeout: float = CLOSE_TIMEOUT) -> None:
        """Waits until all calls are settled, and closes the connection of this process' threads.

        After `timeout` seconds it says how many are not. A later call opens it again.
        """
        self._backlog.flush(timeout)
        self._transport.close()

    async def aclose(self, timeout: float = CLOSE_TIMEOUT) -> None:
        """As close, and closes the connection of the running event loop."""
        await asyncio.to_thread(self._backlog.flush, timeout)
        self._transport.close()
        await self._transport.aclose()

    def __enter__(self: G) -> G:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self: G) -> G:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
