"""What is to be told of calls that are over, told behind the backs of their callers."""

from __future__ import annotations

import multiprocessing.util
import os
import random
import threading
import time
from collections import deque
from dataclasses import dataclass

from .contact import Contact
from .fork import forget_in_children
from .log import log
from .steps import Failure, Method, Reply, Request, Send
from .transport import Transport
from .v1 import tollgate_pb2 as api

# Entries of about a kilobyte; one after the other, some thousand are told in a second. Beyond them
# the oldest is lost.
MOST = 10_000

# The longest pause after a try that failed, in seconds: the first, and what doubling ends at. A
# sidecar that restarts is back in a few seconds.
FIRST_PAUSE, LAST_PAUSE = 0.5, 2.0

# Failed tries in a row before contact counts as lost; over about a second.
PATIENCE = 3

# Tries at an entry that a sidecar answers with a defect: it is not worth all the others' time.
DEFECTS = 10

# Seconds without work until the thread ends.
IDLE = 5.0

# The longest that the end of a process waits, in seconds: a sidecar that restarts is back by then.
EXIT = 5.0


@dataclass
class _Entry:
    method: Method
    request: Request
    defects: int = 0


class Backlog:
    """Belongs to a gate; threads and event loops share it. Lost with the process if that is killed.

    A daemon thread tells it, which lives while there is something to tell. A process that ends, a
    child of multiprocessing too, waits for it, within a bound. A process that is forked off begins
    with nothing: what is there is told by its parent.
    """

    def __init__(self, transport: Transport, timeout: float, contact: Contact) -> None:
        self._transport = transport
        self._timeout = timeout
        self._contact = contact
        self._kept: deque[_Entry] = deque()
        self._thread: threading.Thread | None = None
        self._failed = 0
        # Reentrant, both: a generator may be collected anywhere, and then gives its call back.
        self._changed = threading.Condition()
        self._telling = threading.RLock()
        forget_in_children(self)

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, method: Method, request: Request) -> None:
        """Has it told soon; the caller does not wait. Twice does no harm: its call id is known."""
        with self._changed:
            self._kept.append(_Entry(method, request))
            if len(self._kept) > MOST:
                oldest = self._kept.popleft()
                _lose(oldest, "too many wait")
            if not self._transport.immediate:
                _unfinished.add(self)
                self._changed.notify()
                started = self._thread is not None or self._start()
        if self._transport.immediate or not started:
            self._tell_here()

    def flush(self, seconds: float) -> int:
        """Tells what is there, within so many seconds. Gives how much is left, which is logged."""
        if self._transport.immediate:
            self._tell_here()
            seconds = 0
        give_up_at = time.monotonic() + seconds
        while self._kept:
            left = give_up_at - time.monotonic()
            if left <= 0:
                log.warning("%d calls are still to be settled", len(self._kept))
                break
            if not self._tell_oldest(left):
                time.sleep(min(0.1, left))
        _unfinished.discard(self)
        return len(self._kept)

    def before_fork(self) -> None:
        """gRPC does not survive a fork in the middle of a request."""
        self._telling.acquire(timeout=2 * self._timeout)

    def after_fork(self) -> None:
        """See before_fork; in the parent."""
        try:
            self._telling.release()
        except RuntimeError:  # It took too long, and the fork went on without.
            pass

    def forget(self) -> None:
        """See Forgetful."""
        self._kept = deque()
        self._thread = None
        self._failed = 0
        self._changed = threading.Condition()
        self._telling = threading.RLock()
        _unfinished.discard(self)

    def _start(self) -> bool:
        _flush_at_exit()
        thread = threading.Thread(target=self._work, name="tollgate-settles", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # The interpreter is on its way out, or has no thread to spare.
            return False
        self._thread = thread
        return True

    def _work(self) -> None:
        try:
            while self._something():
                if not self._tell_oldest():
                    longest = min(FIRST_PAUSE * 2 ** min(self._failed - 1, 8), LAST_PAUSE)
                    time.sleep(random.uniform(longest / 2, longest))
        finally:
            if self._thread is threading.current_thread():
                self._thread = None

    def _something(self) -> bool:
        """Waits for something to tell. If nothing comes, the thread is over."""
        with self._changed:
            if not self._kept:
                _unfinished.discard(self)
                self._changed.wait(IDLE)
            if not self._kept:
                self._thread = None
            return bool(self._kept)

    def _tell_here(self) -> None:
        while self._kept and self._tell_oldest():
            pass

    def _tell_oldest(self, patience: float = -1) -> bool:
        """One try at the oldest, which is kept until somebody has answered. False: try later."""
        if not self._telling.acquire(timeout=patience):
            return False
        try:
            with self._changed:
                if not self._kept:
                    return True
                entry = self._kept[0]
            reply = self._transport.send(Send(entry.method, entry.request, self._timeout))
            return self._told(entry, reply)
        finally:
            self._telling.release()

    def _told(self, entry: _Entry, reply: Reply) -> bool:
        lost = isinstance(reply, Failure) and reply.lost
        self._failed = self._failed + 1 if lost else 0
        if not lost or self._failed >= PATIENCE:
            self._contact.note(reply)
        over = not lost
        if isinstance(reply, Failure) and reply.code in ("INTERNAL", "UNKNOWN", "ABORTED"):
            entry.defects += 1
            over = entry.defects >= DEFECTS
        with self._changed:
            # Unless it was the one too many meanwhile.
            if self._kept and self._kept[0] is entry:
                self._kept.popleft()
                if not over:
                    self._kept.append(entry)
        if over and isinstance(reply, Failure):
            _lose(entry, str(reply))
        if isinstance(reply, api.SettleResponse) and reply.usage_problem:
            log.warning(
                "the usage of call %s cannot be read, and counts as held: %s",
                entry.request.call_id,
                reply.usage_problem,
            )
        return not lost


def _lose(entry: _Entry, why: str) -> None:
    request = entry.request
    used = ""
    if isinstance(request, api.SettleRequest):
        parts = ("model", "tokens_in", "tokens_out", "cost", "usage_json")
        known = [f"{part}={getattr(request, part)}" for part in parts if getattr(request, part)]
        used = f"; it used {' '.join(known)}" if known else ""
    log.warning("%s of call %s is lost: %s%s", entry.method, request.call_id, why, used)


# Those that have something to tell, kept alive until they have.
_unfinished: set[Backlog] = set()
_exits_in: int | None = None


def _flush_at_exit() -> None:
    """For this process, once. multiprocessing's, since its children do not run atexit's."""
    global _exits_in
    if _exits_in != os.getpid():
        _exits_in = os.getpid()
        multiprocessing.util.Finalize(None, _flush_all, exitpriority=0)


def _flush_all() -> None:
    give_up_at = time.monotonic() + EXIT
    for backlog in list(_unfinished):
        backlog.flush(give_up_at - time.monotonic())
