"""Programs that end, in one way or another, right after their last call."""

import signal
import subprocess
import sys
import unittest

from fake_sidecar import FakeSidecar

# For a program on a busy machine, in seconds.
PATIENCE = 30.0

START = """
import asyncio, multiprocessing, os, signal, sys, tollgate
gate = tollgate.connect(sys.argv[1], agent="a", timeout=float(sys.argv[2]))
def work():
    with gate.call(tool="t") as grant:
        grant.used(cost=0.5)
async def awork():
    async with gate.call(tool="t") as grant:
        grant.used(cost=0.5)
"""


class Exit(unittest.TestCase):
    def setUp(self) -> None:
        self.sidecar = FakeSidecar()
        self.addCleanup(self.sidecar.stop)

    def start(self, program: str, timeout: float = 10.0) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", START + program, self.sidecar.address, str(timeout)],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        assert process.stderr is not None
        self.addCleanup(process.stderr.close)
        return process

    def test_settles_before_the_process_is_gone(self) -> None:
        programs = {
            "it ends": ("work()", 0),
            "it exits": ("work(); sys.exit(3)", 3),
            "it raises": ("work(); raise KeyError", 1),
            "asyncio": ("asyncio.run(awork())", 0),
            "after a fork": ("work(); os.fork() and os.wait() or work()", 0),
            "a child of multiprocessing": (
                "child = multiprocessing.get_context('fork').Process(target=work)\n"
                "child.start(); child.join(); sys.exit(child.exitcode)",
                0,
            ),
        }
        for name, (program, code) in programs.items():
            with self.subTest(name):
                self.sidecar.seen.clear()
                process = self.start(program)
                _, errors = process.communicate(timeout=PATIENCE)
                self.assertEqual(process.returncode, code, errors)
                asked = sorted(call.call_id for call in self.sidecar.of("Authorize"))
                self.assertTrue(asked)
                # Two processes settle in either order.
                settled = sorted(call.call_id for call in self.sidecar.of("Settle"))
                self.assertEqual(settled, asked)

    def test_waits_for_nobody_for_ever(self) -> None:
        self.sidecar.script = [self.sidecar.usual, *[self.sidecar.hang] * 100]
        process = self.start("tollgate.backlog.EXIT = 0.5; work()", timeout=0.25)
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("1 calls are still to be settled", errors)

    def test_an_interrupt_while_it_asks_gives_the_call_back(self) -> None:
        for program in ("work()", "asyncio.run(awork())"):
            with self.subTest(program):
                self.sidecar.seen.clear()
                self.sidecar.script = [self.sidecar.hang]
                process = self.start(program, timeout=20.0)
                (asked,) = self.sidecar.wait_for("Authorize")
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=PATIENCE)
                self.assertIn("KeyboardInterrupt", errors)
                (released,) = self.sidecar.of("Release")
                self.assertEqual(released.call_id, asked.call_id)


if __name__ == "__main__":
    unittest.main()
