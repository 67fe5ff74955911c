"""What a process that was just forked off must not share with its parent."""

import os
import weakref
from typing import Protocol


class Forgetful(Protocol):
    """Something with a socket or a thread."""

    def before_fork(self) -> None:
        """In the parent: comes to rest."""

    def after_fork(self) -> None:
        """In the parent: goes on."""

    def forget(self) -> None:
        """In the child: leaves what is open to the parent, and starts anew."""


_living: "weakref.WeakSet[Forgetful]" = weakref.WeakSet()
_resting: list[Forgetful] = []
_abandoned: list[object] = []


def forget_in_children(living: Forgetful) -> None:
    """From now on, calls forget() in each process that is forked off (gunicorn, Celery)."""
    _living.add(living)


def abandon(parents: object) -> None:
    """Keeps what is the parent's for ever: collected, it could speak on the parent's connection."""
    _abandoned.append(parents)


def _rest() -> None:
    _resting[:] = list(_living)
    for living in _resting:
        living.before_fork()


def _go_on() -> None:
    for living in _resting:
        living.after_fork()
    _resting.clear()


def _forget_all() -> None:
    _resting.clear()
    for living in list(_living):
        living.forget()


if hasattr(os, "register_at_fork"):  # Not on Windows, which does not fork.
    os.register_at_fork(before=_rest, after_in_parent=_go_on, after_in_child=_forget_all)
