"""Hundreds of tasks that call at once."""

import asyncio
import unittest

from fake_sidecar import SilentSidecar
from test_async import AsyncTest

import tollgate


class Frozen(AsyncTest):
    async def test_all_tasks_of_a_burst_have_their_verdict_within_the_tries(self) -> None:
        self.sidecar.stop()
        self.sidecar = SilentSidecar()
        gate = self.gate(timeout=0.25)

        async def work(_number: int) -> str:
            try:
                async with gate.call(tool="t"):
                    return "ran"
            except tollgate.Denied as denied:
                return denied.decision.degraded_reason

        with self.assertLogs("tollgate", "WARNING"):
            reasons = await asyncio.gather(*(work(number) for number in range(300)))
        self.assertLessEqual(set(reasons), {"unanswered", "unreachable"})
        # Most have failed with those who were sent: asked one by one, there would be 900.
        self.assertLess(len(self.sidecar.of("Authorize")), 300)
        await gate.aclose(20)
        released = {call.call_id for call in self.sidecar.of("Release")}
        asked = {call.call_id for call in self.sidecar.of("Authorize")}
        self.assertLessEqual(asked, released, "what may be held is given back")
        self.assertEqual(len(released), reasons.count("unanswered"))


class Many(AsyncTest):
    async def test_five_hundred_calls_at_once_each_ask_once_and_settle_once(self) -> None:
        gate = self.gate(timeout=60.0)

        async def work(number: int) -> None:
            async with gate.call(tool="t", call_id=f"c{number}") as grant:
                await asyncio.sleep(0)
                grant.used(tokens_in=number)

        await asyncio.gather(*(work(number) for number in range(500)))
        asked = sorted(call.call_id for call in self.sidecar.of("Authorize"))
        self.assertEqual(asked, sorted(f"c{number}" for number in range(500)))
        await gate.aclose(20)
        settled = {call.call_id: call.tokens_in for call in self.sidecar.of("Settle")}
        self.assertEqual(settled, {f"c{number}": number for number in range(500)})


if __name__ == "__main__":
    unittest.main()
