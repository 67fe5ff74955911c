"""What a process that was just forked off must not share with its parent."""

import os
import weakref
from typing import Protocol


class Forgetful(Protocol):
    """Something with a socket."""

    def forget(self) -> None:
        """In the child: leaves what is open to the parent, and starts anew."""


_living: "weakref.WeakSet[Forgetful]" = weakref.WeakSet()
_abandoned: list[object] = []


def forget_in_children(living: Forgetful) -> None:
    """From now on, calls forget() in each process that is forked off (gunicorn, Celery)."""
    _living.add(living)


def abandon(parents: object) -> None:
    """Keeps what is the parent's for ever: collected, it could speak on the parent's connection."""
    _abandoned.append(parents)


def _forget_all() -> None:
    for living in list(_living):
        living.forget()


if hasattr(os, "register_at_fork"):  # Not on Windows, which does not fork.
    os.register_at_fork(after_in_child=_forget_all)
