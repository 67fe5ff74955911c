"""Functions that ask before they run."""

import contextlib
import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

from .call import Call
from .errors import Denied
from .fingerprint import fingerprint

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
R = TypeVar("R")


class Telling(Protocol):
    """Makes a function return what it returns, or a text for the model."""

    @overload
    def __call__(  # type: ignore[misc]  # The second is for all that the first does not take.
        self, work: Callable[P, Coroutine[Any, Any, R]], /
    ) -> Callable[P, Coroutine[Any, Any, R | str]]: ...

    @overload
    def __call__(self, work: Callable[P, R], /) -> Callable[P, R | str]: ...


def gated(work: F, open_call: Callable[[str], Call], tell: bool) -> F:
    """The function, sync or async, as one call each time that it runs.

    `open_call` makes the call from the fingerprint of the arguments. With `tell`, a denial of it is
    returned as a text instead of raised; one that the function itself meets inside is not. Raises
    TypeError for a generator, which would be settled before it had begun.
    """
    runs = (work, getattr(work, "__call__", work))
    if any(inspect.isgeneratorfunction(run) or inspect.isasyncgenfunction(run) for run in runs):
        raise TypeError(f"{work} is a generator: put gate.call around its use instead")
    signature = inspect.signature(work)

    @functools.wraps(work)
    def tool(*args: Any, **kwargs: Any) -> Any:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(open_call(fingerprint(signature, args, kwargs)))
            except Denied as denied:
                if tell:
                    return denied.tell
                raise
            result = work(*args, **kwargs)
            if inspect.isawaitable(result):  # It is over when that is.
                return _awaited(result, stack.pop_all())
            return result

    @functools.wraps(work)
    async def async_tool(*args: Any, **kwargs: Any) -> Any:
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(open_call(fingerprint(signature, args, kwargs)))
            except Denied as denied:
                if tell:
                    return denied.tell
                raise
            return await work(*args, **kwargs)

    return cast(F, async_tool if any(map(inspect.iscoroutinefunction, runs)) else tool)


async def _awaited(result: Awaitable[Any], call: contextlib.ExitStack) -> Any:
    with call:
        return await result
