"""Processes that are forked off a process with a gate, as gunicorn and Celery do."""

import asyncio
import os
import subprocess
import sys
import threading
import unittest
from collections.abc import Callable
from pathlib import Path

import tollgate

# For a child on a busy machine, in seconds; one that gets here hangs.
PATIENCE = 20.0


def in_child(work: Callable[[], str]) -> str:
    """What work returns in a process that is forked off. Kills one that hangs."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, work().encode())
        except BaseException as problem:
            os.write(writer, repr(problem).encode())
        os._exit(0)
    os.close(writer)
    patience = threading.Timer(PATIENCE, os.kill, (pid, 9))
    patience.start()
    with os.fdopen(reader) as pipe:
        result = pipe.read()
    patience.cancel()
    os.waitpid(pid, 0)
    return result


class Fork(unittest.TestCase):
    def setUp(self) -> None:
        server = Path(__file__).with_name("fake_sidecar.py")
        # In a process of its own: a gRPC server does not survive a fork around it.
        sidecar = subprocess.Popen(
            [sys.executable, str(server)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(sidecar.wait)
        assert sidecar.stdin is not None and sidecar.stdout is not None
        self.addCleanup(sidecar.stdout.close)
        self.addCleanup(sidecar.stdin.close)
        self.address = sidecar.stdout.readline().strip()
        self.gate = tollgate.connect(self.address, timeout=10.0)
        self.addCleanup(self.gate.close)

    def peer(self) -> str:
        """The connection that a call took."""
        with self.gate.call(tool="t") as grant:
            return grant.decision.policy_hash

    async def apeer(self) -> str:
        async with self.gate.call(tool="t") as grant:
            return grant.decision.policy_hash

    def test_each_process_has_a_connection_of_its_own(self) -> None:
        parent = self.peer()
        children = [in_child(self.peer) for _ in range(3)]
        for child in children:
            self.assertRegex(child, r"^ipv4:127\.0\.0\.1:\d+$")
        self.assertEqual(len({parent, *children}), 4)
        self.assertEqual(self.peer(), parent, "the parent's connection is as it was")

    def test_a_gate_that_was_not_used_before_serves_the_children(self) -> None:
        children = [in_child(self.peer), in_child(lambda: asyncio.run(self.apeer()))]
        self.assertEqual(len(set(children)), 2)
        for child in children:
            self.assertRegex(child, "^ipv4:")

    def test_a_lock_that_another_thread_held_does_not_hang_the_child(self) -> None:
        lock = self.gate._transport._channel._lock  # type: ignore[attr-defined]
        with lock:
            self.assertRegex(in_child(self.peer), "^ipv4:")

    def test_a_child_that_ends_normally_leaves_the_parents_connection_open(self) -> None:
        # A program of its own, since the child runs the interpreter's whole way out.
        program = """
import os, sys, tollgate
gate = tollgate.connect(sys.argv[1], timeout=10.0)
def peer():
    with gate.call(tool="t") as grant:
        return grant.decision.policy_hash
before = peer()
if os.fork() == 0:
    peer()
    sys.exit(0)
os.wait()
print(before, peer())
"""
        command = [sys.executable, "-c", program, self.address]
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 0, run.stderr)
        before, after = run.stdout.split()
        self.assertEqual(before, after)


if __name__ == "__main__":
    unittest.main()
