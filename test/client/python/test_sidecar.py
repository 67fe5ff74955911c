"""The client asks a real sidecar."""

import asyncio
import logging
import unittest

from real_sidecar import SidecarTest

import tollgate


class Asking(SidecarTest):
    def setUp(self) -> None:
        # Whether calls are settled is not the matter here.
        logging.getLogger("tollgate").disabled = True
        self.addCleanup(setattr, logging.getLogger("tollgate"), "disabled", False)

    def test_calls_pass_up_to_the_limit_and_are_then_denied(self) -> None:
        gate = self.gate()
        for used in (1, 2, 3):
            with gate.call(tool="search") as grant:
                (budget, loops) = grant.decision.rules
                self.assertEqual((loops.used, loops.limit, loops.metric), (used, 3, "calls"))
                self.assertEqual((budget.rule, budget.action), ("budget", "block"))
        with self.assertRaises(tollgate.Denied) as raised, gate.call(tool="search"):
            self.fail("it ran")
        denied = raised.exception
        self.assertEqual(denied.rule, "loops")
        self.assertIn("has used 3 of 3 calls", denied.reason)
        assert denied.retry_after is not None
        self.assertTrue(0 < denied.retry_after <= 3660)
        self.assertFalse(denied.decision.degraded)

    def test_what_would_fit_is_told(self) -> None:
        with self.assertRaises(tollgate.Denied) as raised:
            with self.gate().call(tool="search", estimated_cost=1.5):
                self.fail("it ran")
        self.assertTrue(raised.exception.decision.never_fits)
        self.assertEqual(raised.exception.decision.affordable_cost_usd, 1.0)

    def test_a_bad_request_names_its_fields(self) -> None:
        with self.assertRaises(tollgate.CallError) as raised:
            with self.gate(failure_mode="allow").call(tool="x" * 300, tokens_in=-1):
                self.fail("it ran")
        self.assertEqual(raised.exception.code, "INVALID_ARGUMENT")
        self.assertIn("tool", raised.exception.details)
        self.assertIn("tokens_in", raised.exception.details)

    def test_the_same_id_for_another_call_is_refused(self) -> None:
        gate = self.gate()
        with gate.call(tool="search", call_id="same"):
            pass
        with self.assertRaises(tollgate.CallError) as raised:
            with gate.call(tool="shell", call_id="same"):
                self.fail("it ran")
        self.assertEqual(raised.exception.code, "ALREADY_EXISTS")

    def test_of_five_hundred_calls_at_once_the_budget_admits_its_hundred(self) -> None:
        gate = self.gate(timeout=30.0)

        async def ask(number: int) -> tollgate.Decision:
            try:
                async with gate.call(estimated_cost=0.01, call_id=f"c{number}") as grant:
                    return grant.decision
            except tollgate.Denied as denied:
                return denied.decision

        async def all_of_them() -> list[tollgate.Decision]:
            async with gate:
                return await asyncio.gather(*(ask(number) for number in range(500)))

        decisions = asyncio.run(all_of_them())
        allowed = sum(decision.allowed for decision in decisions)
        # The sidecar of a busy machine may deny what it could not ask its store about in time.
        degraded = sum(decision.degraded for decision in decisions)
        self.assertTrue(100 - degraded <= allowed <= 100, f"{allowed}, {degraded} degraded")


if __name__ == "__main__":
    unittest.main()
