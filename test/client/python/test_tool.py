"""@gate.tool."""

import asyncio
import inspect
import unittest
from collections.abc import AsyncIterator, Iterator
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import tollgate


class Tool(unittest.TestCase):
    def setUp(self) -> None:
        self.gate = tollgate.fake_gate()

    def test_each_run_is_a_call_of_the_functions_name_settled_as_held(self) -> None:
        @self.gate.tool
        def search(query: str, limit: int = 10) -> str:
            """Searches."""
            return f"{limit} for {query}"

        self.assertEqual(search("cats"), "10 for cats")
        self.assertEqual(search("cats", limit=3), "3 for cats")
        first, second = self.gate.calls
        self.assertEqual((first.tool, second.tool), ("search", "search"))
        self.assertFalse(first.HasField("estimated_cost"))
        self.assertNotEqual(first.call_id, second.call_id)
        settled = self.gate.settlements[0]
        self.assertEqual(settled.call_id, first.call_id)
        self.assertFalse(settled.HasField("cost"))
        self.assertEqual((search.__name__, search.__doc__), ("search", "Searches."))
        self.assertEqual(list(inspect.signature(search).parameters), ["query", "limit"])

    def test_name_and_cost_may_be_given(self) -> None:
        @self.gate.tool(name="web_search", cost=0.01)
        def search() -> None:
            pass

        search()
        self.assertEqual(self.gate.calls[0].tool, "web_search")
        self.assertEqual(self.gate.calls[0].estimated_cost, 0.01)

    def test_async_functions(self) -> None:
        @self.gate.tool
        async def search(query: str) -> str:
            await asyncio.sleep(0)
            async with self.gate.call(model="gpt-4o"):
                return query

        self.assertTrue(inspect.iscoroutinefunction(search))
        self.assertEqual(asyncio.run(search("cats")), "cats")
        outer, inner = self.gate.calls
        self.assertEqual(outer.tool, "search")
        self.assertIn(outer.call_id, inner.parent)
        self.assertEqual(len(self.gate.settlements), 2)

    def test_methods(self) -> None:
        gate = self.gate

        class Agent:
            @gate.tool
            def search(self, query: str) -> str:
                return query

        self.assertEqual(Agent().search("cats"), "cats")
        self.assertEqual(Agent().search(query="cats"), "cats")
        first, second = gate.calls
        self.assertEqual(first.fingerprint, second.fingerprint)

    def test_what_is_awaited_is_settled_after_it(self) -> None:
        order: list[str] = []

        class Tool:
            async def __call__(self, query: str) -> str:
                await asyncio.sleep(0)
                order.append(f"{len(self_.gate.settlements)} settled")
                return query

        self_ = self
        tool: Any = Tool()

        async def run(gated: Any) -> None:
            self.assertEqual(await gated("cats"), "cats")

        for number, work in enumerate((tool, lambda query: tool(query))):
            asyncio.run(run(self.gate.tool(name="search")(work)))
            self.assertEqual(order.pop(), f"{number} settled")
            self.assertEqual(len(self.gate.settlements), number + 1)
        asyncio.run(run(self.gate.tool(tool)))
        self.assertEqual([call.tool for call in self.gate.calls], ["search", "search", "Tool"])

    def test_what_tells_may_return_a_text_and_its_type_says_so(self) -> None:
        @self.gate.tool(on_denied="tell")
        def numbers(most: int) -> list[int]:
            return list(range(most))

        @self.gate.tool(on_denied="tell")
        async def later(most: int) -> list[int]:
            return list(range(most))

        # A type checker that took either for a list would find these comments superfluous.
        numbers(1).append(1)  # type: ignore[union-attr]
        asyncio.run(later(1)).append(1)  # type: ignore[union-attr]
        self.gate.deny()
        self.assertIsInstance(numbers(1), str)
        self.assertIsInstance(asyncio.run(later(1)), str)

    def test_generators_are_refused(self) -> None:
        def stream() -> Iterator[int]:
            yield 1

        async def astream() -> AsyncIterator[int]:
            yield 1

        class Streaming:
            def __call__(self) -> Iterator[int]:
                yield 1

        works: tuple[Any, ...] = (stream, astream, Streaming())
        for work in works:
            with self.assertRaises(TypeError):
                self.gate.tool(work)

    def test_a_denied_tool_does_not_run(self) -> None:
        self.gate.deny(reason="too many", retry_after=30)
        ran: list[str] = []

        def sync_work() -> str:
            ran.append("sync")
            return "result"

        async def async_work() -> str:
            ran.append("async")
            return "result"

        with self.assertRaises(tollgate.Denied):
            self.gate.tool(sync_work)()
        with self.assertRaises(tollgate.Denied):
            asyncio.run(self.gate.tool(async_work)())
        told = "was not made: too many. Do not repeat it within the next 30 seconds."
        telling = self.gate.tool(on_denied="tell")
        self.assertEqual(telling(sync_work)(), f"The call to sync_work {told}")
        self.assertEqual(asyncio.run(telling(async_work)()), f"The call to async_work {told}")
        self.assertEqual(ran, [])

    def test_a_gate_that_tells_tells_for_every_tool(self) -> None:
        gate = tollgate.fake_gate(on_denied="tell")
        gate.deny(reason="too many")

        @gate.tool
        def search() -> str:
            return "result"

        self.assertIn("too many", search())

    def test_a_denial_inside_of_the_tool_is_not_told_as_its_own(self) -> None:
        gate = tollgate.fake_gate(on_denied="tell")
        gate.deny(lambda call: call.tool == "inner")

        @gate.tool
        def outer() -> str:
            with gate.call(tool="inner"):
                return "result"

        with self.assertRaises(tollgate.Denied):
            outer()

    def test_wait_waits(self) -> None:
        gate = tollgate.fake_gate(on_denied="wait")
        gate.deny(lambda _call: len(gate.calls) == 1, retry_after=30)

        @gate.tool
        def search() -> str:
            return "result"

        self.assertEqual(search(), "result")
        self.assertEqual(len(gate.calls), 2)


class Fingerprint(unittest.TestCase):
    def fingerprints(self, *arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> list[str]:
        gate = tollgate.fake_gate()

        @gate.tool
        def work(a: Any, b: Any = 2, *more: Any, **named: Any) -> None:
            pass

        for args, kwargs in arguments:
            work(*args, **kwargs)
        return [call.fingerprint for call in gate.calls]

    def test_is_the_same_for_the_same_arguments_however_they_are_passed(self) -> None:
        same = self.fingerprints(
            ((1,), {}),
            ((1, 2), {}),
            ((), {"a": 1}),
            ((), {"b": 2, "a": 1}),
        )
        self.assertEqual(len(set(same)), 1)
        self.assertRegex(same[0], "^[0-9a-f]{64}$")
        ordered = self.fingerprints(
            (({"x": 1, "y": {2, 1}},), {}),
            (({"y": {1, 2}, "x": 1},), {}),
        )
        self.assertEqual(len(set(ordered)), 1)

    def test_differs_for_different_arguments(self) -> None:
        different = self.fingerprints(
            ((1,), {}), ((2,), {}), ((1, 3), {}), (("1",), {}), ((1,), {"c": 1}), ((1, 2, 3), {})
        )
        self.assertEqual(len(set(different)), len(different))

    def test_differs_for_what_json_does_not_have(self) -> None:
        class Colour(Enum):
            RED = 1
            BLUE = 2

        values: tuple[Any, ...] = (
            date(2026, 1, 1),
            date(2026, 1, 2),
            UUID(int=1),
            UUID(int=2),
            Decimal("1.5"),
            Decimal("1.6"),
            b"a",
            b"b",
            Path("/a"),
            Path("/b"),
            Colour.RED,
            Colour.BLUE,
        )
        alone: list[tuple[tuple[Any, ...], dict[str, Any]]] = [((v,), {}) for v in values]
        inside: list[tuple[tuple[Any, ...], dict[str, Any]]] = [(({"x": [v]},), {}) for v in values]
        self.assertEqual(len(set(self.fingerprints(*alone, *inside))), 2 * len(values))
        self.assertEqual(self.fingerprints(*alone), self.fingerprints(*alone))

    def test_an_object_counts_by_its_type_wherever_it_is_in_memory(self) -> None:
        class Session:
            pass

        class Unprintable:
            def __repr__(self) -> str:
                raise RuntimeError("no")

        around: dict[str, Any] = {}
        around["self"] = around
        makes: tuple[Any, ...] = (object, Session, Unprintable, lambda: around, lambda: lambda: 1)
        for make in makes:
            first, second = self.fingerprints(((1, make()), {}), ((1, make()), {}))
            self.assertEqual(first, second)
        self.assertEqual(len(set(self.fingerprints(((object(),), {}), ((Session(),), {})))), 2)

    def test_arguments_that_do_not_fit_ask_nothing(self) -> None:
        gate = tollgate.fake_gate()

        def work(a: int) -> None:
            pass

        broken: Any = gate.tool(work)
        with self.assertRaises(TypeError):
            broken()
        self.assertEqual(gate.calls, [])


if __name__ == "__main__":
    unittest.main()
