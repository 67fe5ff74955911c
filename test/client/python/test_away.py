"""Calls while nobody answers, and after somebody does again."""

import contextlib
import time
import unittest

import grpc
from fake_sidecar import FakeSidecar, fail

import tollgate


class Away(unittest.TestCase):
    def test_each_failure_mode_says_so_once_and_finds_a_sidecar_that_comes_back(self) -> None:
        sidecar = FakeSidecar()
        allowing = tollgate.connect(sidecar.address, failure_mode="allow", timeout=1.0)
        denying = tollgate.connect(sidecar.address, timeout=1.0)
        self.addCleanup(allowing.close)
        self.addCleanup(denying.close)
        with allowing.call(tool="t"), denying.call(tool="t"):
            pass
        for gate in (allowing, denying):
            gate.close(20)
        sidecar.stop()
        with self.assertLogs("tollgate", "WARNING") as logs:
            unsettled = []
            for _ in range(2):
                with allowing.call(tool="t") as grant:
                    unsettled.append(grant.call_id)
                    self.assertTrue(grant.degraded)
                    self.assertIn(grant.decision.degraded_reason, ("unreachable", "unanswered"))
        self.assertEqual(len(unsettled), 2)
        away = [line for line in logs.output if "no sidecar answers" in line]
        self.assertEqual(len(away), 1, logs.output)
        self.assertIn("calls pass unchecked", away[0])
        with self.assertLogs("tollgate", "WARNING"), self.assertRaises(tollgate.Denied) as raised:
            with denying.call(tool="t"):
                self.fail("it ran")
        self.assertTrue(raised.exception.decision.degraded)
        self.assertIsNone(raised.exception.rule)

        back = FakeSidecar(sidecar.address)
        self.addCleanup(back.stop)
        give_up_at = time.monotonic() + 20
        with self.assertLogs("tollgate", "WARNING") as logs:
            while not back.of("Authorize"):
                self.assertLess(time.monotonic(), give_up_at, "the sidecar is not found again")
                with contextlib.suppress(tollgate.Denied), denying.call(tool="t"):
                    pass
            allowing.close(20)
        self.assertTrue(any("answers again" in line for line in logs.output))
        self.assertLessEqual(set(unsettled), {call.call_id for call in back.of("Settle")})

    def test_a_call_let_through_is_settled_in_full_when_the_sidecar_is_back(self) -> None:
        sidecar = FakeSidecar()
        self.addCleanup(sidecar.stop)
        sidecar.script = [fail(grpc.StatusCode.UNAVAILABLE)] * 3
        gate = tollgate.connect(sidecar.address, agent="a", failure_mode="allow", timeout=10.0)
        self.addCleanup(gate.close)
        with self.assertLogs("tollgate", "WARNING"), gate.call(model="gpt-4o") as grant:
            grant.used(tokens_in=10, tokens_out=5)
        (settled,) = sidecar.wait_for("Settle")
        self.assertEqual((settled.call.model, settled.call.agent_id), ("gpt-4o", "a"))
        self.assertEqual((settled.tokens_in, settled.tokens_out), (10, 5))


if __name__ == "__main__":
    unittest.main()
