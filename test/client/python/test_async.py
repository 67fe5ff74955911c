"""`async with gate.call(...)` over a real socket."""

import asyncio
import logging
import threading
import unittest
from typing import Any

import grpc
from fake_sidecar import FakeSidecar, deny, fail

import tollgate
from tollgate.v1 import tollgate_pb2 as api


class AsyncTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.sidecar = FakeSidecar()
        self.addCleanup(self.sidecar.stop)

    def gate(self, **options: Any) -> tollgate.Gate:
        options.setdefault("timeout", 10.0)
        gate = tollgate.connect(self.sidecar.address, agent="a", **options)
        self.addAsyncCleanup(gate.aclose)
        return gate


class Life(AsyncTest):
    async def test_asks_runs_and_settles(self) -> None:
        async with self.gate() as gate, gate.call(model="gpt-4o") as grant:
            self.assertEqual([seen.method for seen in self.sidecar.seen], ["Authorize"])
            grant.used(tokens_in=3, tokens_out=4, cached_tokens_in=1, cost=0.5)
        (settled,) = self.sidecar.of("Settle")
        self.assertEqual(settled.call_id, grant.call_id)
        self.assertEqual((settled.tokens_in, settled.tokens_out), (3, 4))
        self.assertEqual((settled.cached_tokens_in, settled.cost), (1, 0.5))
        self.assertEqual(settled.outcome, api.OUTCOME_OK)

    async def test_a_denial_is_raised_and_a_wait_is_waited(self) -> None:
        self.sidecar.script = [deny(), deny(retry_after_ms=20)]
        with self.assertRaises(tollgate.Denied):
            async with self.gate().call(tool="t"):
                self.fail("it ran")
        async with self.gate(on_denied="wait").call(tool="t"):
            pass
        self.assertEqual(len(self.sidecar.of("Authorize")), 3)

    async def test_a_lost_reply_is_asked_again_with_the_same_bytes(self) -> None:
        self.sidecar.script = [fail(grpc.StatusCode.UNAVAILABLE), self.sidecar.hang]
        async with self.gate(timeout=0.5).call(tool="t"):
            pass
        asked = [seen.raw for seen in self.sidecar.seen if seen.method == "Authorize"]
        self.assertEqual((len(asked), len(set(asked))), (3, 1))

    async def test_a_refused_request_is_an_error(self) -> None:
        self.sidecar.script = [fail(grpc.StatusCode.ALREADY_EXISTS, "finished")]
        with self.assertRaises(tollgate.CallError) as raised:
            async with self.gate(failure_mode="allow").call(tool="t"):
                self.fail("it ran")
        self.assertEqual(raised.exception.code, "ALREADY_EXISTS")

    async def test_failure_modes(self) -> None:
        async def allowed() -> None:
            gate = tollgate.connect("127.0.0.1:1", failure_mode="allow")
            async with gate.call(tool="t") as grant:
                self.assertTrue(grant.degraded)
            # There is nobody to be told of it.
            await gate.aclose(0.1)

        async def denied() -> None:
            async with tollgate.connect("127.0.0.1:1") as gate:
                with self.assertRaises(tollgate.Denied):
                    async with gate.call(tool="t"):
                        self.fail("it ran")

        with self.assertLogs("tollgate", "WARNING") as logs:
            await asyncio.gather(allowed(), denied())
        for consequence in ("calls pass unchecked", "calls are denied"):
            self.assertTrue(any(consequence in line for line in logs.output), logs.output)

    async def test_what_was_reported_before_an_exception_is_settled(self) -> None:
        with self.assertRaises(KeyError):
            async with self.gate().call(tool="t") as grant:
                grant.used(cost=1)
                raise KeyError("x")
        (settled,) = self.sidecar.wait_for("Settle")
        self.assertEqual(settled.outcome, api.OUTCOME_ERROR)

    async def test_a_call_that_was_never_sent_is_given_back(self) -> None:
        async with self.gate().call(tool="t") as grant:
            grant.release()
        self.sidecar.wait_for("Release")
        self.assertEqual([s.method for s in self.sidecar.seen], ["Authorize", "Release"])


class Cancellation(AsyncTest):
    async def test_does_not_lose_what_a_call_has_cost(self) -> None:
        gate, running = self.gate(), asyncio.Event()

        async def work() -> None:
            async with gate.call(tool="t") as grant:
                grant.used(cost=1)
                running.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await running.wait()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        with self.assertNoLogs("tollgate"):
            await gate.aclose()
        (settled,) = self.sidecar.of("Settle")
        self.assertEqual((settled.cost, settled.outcome), (1, api.OUTCOME_CANCELLED))

    async def test_while_asking_gives_the_call_back(self) -> None:
        gate = self.gate()
        self.sidecar.script = [self.sidecar.hang]

        async def work() -> None:
            async with gate.call(tool="t"):
                self.fail("it ran")

        task = asyncio.create_task(work())
        while not self.sidecar.seen:
            await asyncio.sleep(0)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        await gate.aclose()
        (asked,), (released,) = self.sidecar.of("Authorize"), self.sidecar.of("Release")
        self.assertEqual(released.call_id, asked.call_id)
        self.assertEqual(self.sidecar.of("Settle"), [])


    async def test_closing_cancels_nobody_who_asks(self) -> None:
        gate = self.gate()
        answer = threading.Event()

        def slow(request: Any, context: Any) -> Any:
            answer.wait(20)
            return self.sidecar.usual(request, context)

        self.sidecar.script = [slow]

        async def work() -> str:
            async with gate.call(tool="t"):
                return "done"

        task = asyncio.create_task(work())
        while not self.sidecar.seen:
            await asyncio.sleep(0)
        closing = asyncio.create_task(gate.aclose())
        await asyncio.to_thread(lambda: None)
        answer.set()
        self.assertEqual(await task, "done")
        await closing
        self.assertEqual(len(self.sidecar.wait_for("Settle")), 1)


class Loops(unittest.TestCase):
    def test_one_gate_serves_loop_after_loop_and_threads_between(self) -> None:
        sidecar = FakeSidecar()
        self.addCleanup(sidecar.stop)
        gate = tollgate.connect(sidecar.address, timeout=10.0)
        self.addCleanup(gate.close)

        async def work() -> None:
            async with gate.call(tool="t"):
                pass

        for _ in range(3):
            asyncio.run(work())
            with gate.call(tool="t"):
                pass
        # gRPC's poller finds its socket empty when another loop was quicker, and says so: harmless.
        logging.getLogger("asyncio").disabled = True
        self.addCleanup(setattr, logging.getLogger("asyncio"), "disabled", False)
        threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(sidecar.wait_for("Settle", 10)), 10)


if __name__ == "__main__":
    unittest.main()
