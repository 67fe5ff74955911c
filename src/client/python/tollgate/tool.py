"""Functions that ask before they run."""

import contextlib
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from .call import Call
from .errors import Denied
from .fingerprint import fingerprint

F = TypeVar("F", bound=Callable[..., Any])


def gated(work: F, open_call: Callable[[str], Call], tell: bool) -> F:
    """The function, sync or async, as one call each time that it runs.

    `open_call` makes the call from the fingerprint of the arguments. With `tell`, a denial of it is
    returned as a text instead of raised; one that the function itself meets inside is not. Raises
    TypeError for a generator, which would be settled before it had begun.
    """
    if inspect.isgeneratorfunction(work) or inspect.isasyncgenfunction(work):
        raise TypeError(f"{work.__qualname__} is a generator: put gate.call around its use instead")
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
            return work(*args, **kwargs)

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

    return cast(F, async_tool if inspect.iscoroutinefunction(work) else tool)
