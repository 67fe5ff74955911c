"""What a call causes carries its token, wherever it runs."""

import asyncio
import contextvars
import threading
import unittest
from collections.abc import Iterator
from typing import Any

import tollgate

HEADER = "tollgate-lineage"


class Asking(unittest.TestCase):
    def setUp(self) -> None:
        self.gate = tollgate.fake_gate()

    def ask(self, **fields: Any) -> Any:
        """Makes a call, and gives the request that it was."""
        with self.gate.call(tool="inner", **fields):
            return self.gate.calls[-1]


class Nesting(Asking):
    def test_calls_inside_of_a_call_have_it_as_parent(self) -> None:
        with self.gate.call(tool="outer") as outer:
            inner = self.ask()
            with self.gate.call(tool="second") as second:
                deepest = self.ask()
            sibling = self.ask()
        after = self.ask()
        self.assertEqual(inner.parent, outer.decision.lineage)
        self.assertEqual(deepest.parent, second.decision.lineage)
        self.assertEqual(sibling.parent, outer.decision.lineage)
        self.assertEqual(after.parent, "")
        self.assertNotEqual(outer.decision.lineage, "")

    def test_a_body_that_raises_leaves_too(self) -> None:
        with self.assertRaises(KeyError), self.gate.call(tool="outer"):
            raise KeyError("x")
        self.assertEqual(self.ask().parent, "")

    def test_a_denied_call_is_not_entered(self) -> None:
        self.gate.deny(lambda call: call.tool == "outer")
        with self.assertRaises(tollgate.Denied), self.gate.call(tool="outer"):
            pass
        self.assertEqual(self.ask().parent, "")

    def test_other_threads_are_not_inside_unless_the_context_is_copied(self) -> None:
        with self.gate.call(tool="outer") as outer:
            context = contextvars.copy_context()
            threads = (
                threading.Thread(target=self.ask, kwargs={"call_id": "plain"}),
                threading.Thread(target=context.run, args=(lambda: self.ask(call_id="copied"),)),
            )
            for thread in threads:
                thread.start()
                thread.join()
        parents = {call.call_id: call.parent for call in self.gate.calls}
        self.assertEqual(parents["plain"], "")
        self.assertEqual(parents["copied"], outer.decision.lineage)

    def test_tasks_are_inside_of_the_call_that_started_them_even_when_it_is_over(self) -> None:
        async def work() -> tuple[Any, Any, Any, Any]:
            over = asyncio.Event()

            async def child() -> Any:
                async with self.gate.call(tool="early"):
                    early = self.gate.calls[-1]
                await over.wait()
                async with self.gate.call(tool="late"):
                    return early, self.gate.calls[-1]

            async with self.gate.call(tool="outer") as outer:
                task = asyncio.create_task(child())
                in_thread = await asyncio.to_thread(self.ask)
            over.set()
            early, late = await task
            return outer.decision.lineage, early.parent, late.parent, in_thread.parent

        outer, *children = asyncio.run(work())
        self.assertEqual(children, [outer, outer, outer])

    def test_concurrent_tasks_do_not_see_each_other(self) -> None:
        async def work(name: str, inside: asyncio.Event, other: asyncio.Event) -> None:
            async with self.gate.call(tool=name):
                inside.set()
                await other.wait()
                async with self.gate.call(tool=f"in {name}"):
                    pass

        async def both() -> None:
            a, b = asyncio.Event(), asyncio.Event()
            await asyncio.gather(work("a", a, b), work("b", b, a))

        asyncio.run(both())
        calls = {call.tool: call for call in self.gate.calls}
        for name in ("a", "b"):
            self.assertIn(calls[name].call_id, calls[f"in {name}"].parent)

    def test_generators_that_end_in_any_order_leave_nothing_behind(self) -> None:
        def stream(name: str) -> Iterator[None]:
            with self.gate.call(tool=name):
                yield

        for order in ((0, 1), (1, 0)):
            streams = [stream("a"), stream("b")]
            for each in streams:
                next(each)
            for index in order:
                next(streams[index], None)
            self.assertEqual(self.ask().parent, "", order)

    def test_a_generator_may_be_closed_in_another_context(self) -> None:
        def stream() -> Iterator[None]:
            with self.gate.call(tool="a"):
                yield

        started: Any = stream()
        contextvars.copy_context().run(next, started)
        started.close()
        self.assertEqual(self.ask().parent, "")


class Hops(Asking):
    def test_headers_carry_the_token_of_the_call_around(self) -> None:
        self.assertEqual(self.gate.headers(), {})
        with self.gate.call(tool="outer") as outer:
            self.assertEqual(self.gate.headers(), {HEADER: outer.decision.lineage})

    def test_the_other_side_takes_them_in_any_shape(self) -> None:
        shapes: tuple[Any, ...] = (
            {HEADER: "token"},
            {"Host": "x", "Tollgate-Lineage": "token"},
            {"HTTP_TOLLGATE_LINEAGE": "token", "wsgi.version": (1, 0)},
            [(b"host", b"x"), (b"tollgate-lineage", b"token")],
            (("tollgate-lineage", "token"),),
            {"progressToken": 1, HEADER: "token"},
        )
        for headers in shapes:
            with self.subTest(headers), self.gate.from_headers(headers):
                self.assertEqual(self.ask().parent, "token")
                self.assertEqual(self.gate.headers(), {HEADER: "token"})
        self.assertEqual(self.ask().parent, "")

    def test_a_request_without_the_header_starts_anew(self) -> None:
        with self.gate.call(tool="outer"), self.gate.from_headers({"Host": "x"}):
            self.assertEqual(self.ask().parent, "")


class Runs(Asking):
    def test_the_calls_inside_share_the_run(self) -> None:
        with self.gate.run("r1") as run_id:
            first, second = self.ask(), self.ask()
        self.assertEqual((run_id, first.run_id, second.run_id), ("r1", "r1", "r1"))
        self.assertEqual((first.parent, self.ask().run_id), ("", ""))

    def test_each_run_has_an_id_of_its_own_unless_given(self) -> None:
        with self.gate.run() as first:
            pass
        with self.gate.run() as second:
            pass
        self.assertNotEqual(first, second)

    def test_a_token_decides_the_run(self) -> None:
        with self.gate.run("r1"), self.gate.call(tool="outer") as outer:
            inner = self.ask()
        self.assertEqual((inner.parent, inner.run_id), (outer.decision.lineage, ""))

    def test_a_run_inside_of_a_call_is_a_root(self) -> None:
        with self.gate.call(tool="outer"), self.gate.run("r1"):
            inner = self.ask()
        self.assertEqual((inner.parent, inner.run_id), ("", "r1"))

    def test_without_a_token_the_run_and_the_calls_id_are_passed_on(self) -> None:
        gate = tollgate.fake_gate(failure_mode="allow")
        gate.go_away()
        with self.assertLogs("tollgate"), gate.run("r1"), gate.call(tool="outer") as outer:
            gate.allow()
            with gate.call(tool="inner"):
                (inner,) = gate.calls
        self.assertEqual((inner.parent, inner.run_id), ("", "r1"))
        self.assertEqual(inner.parent_call_id, outer.call_id)

    def test_a_call_let_through_without_a_token_keeps_the_one_around(self) -> None:
        gate = tollgate.fake_gate(failure_mode="allow")
        with self.assertLogs("tollgate"), gate.call(tool="outer") as outer:
            gate.go_away()
            with gate.call(tool="unseen"):
                gate.allow()
                with gate.call(tool="inner"):
                    self.assertEqual(gate.calls[-1].parent, outer.decision.lineage)


if __name__ == "__main__":
    unittest.main()
