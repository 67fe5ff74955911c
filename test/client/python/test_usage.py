"""grant.used(): what providers' libraries return, as it comes."""

import json
import types
import unittest
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import tollgate

NUMBERS = {
    "prompt_tokens": 1200,
    "completion_tokens": 89,
    "prompt_tokens_details": {"cached": 1000},
}


@dataclass
class Details:
    cached: int


@dataclass
class DataclassUsage:
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: Details


class Pydantic2:
    """A model that has None fields, and other names on the wire."""

    def model_dump(self, *, mode: str, by_alias: bool, exclude_none: bool) -> dict[str, Any]:
        assert mode == "json" and by_alias and exclude_none
        return dict(NUMBERS)


class Pydantic1:
    def dict(self, *, by_alias: bool, exclude_none: bool) -> Any:
        assert by_alias and exclude_none
        return dict(NUMBERS)


def attributes(**fields: Any) -> Any:
    return types.SimpleNamespace(**fields)


class Used(unittest.TestCase):
    def settled(self, *reports: Any, **numbers: Any) -> Any:
        gate = tollgate.fake_gate()
        with gate.call(model="gpt-4o") as grant:
            for report in reports:
                grant.used(report)
            if numbers:
                grant.used(**numbers)
        return gate.settlements[0]

    def test_every_shape_of_a_usage_object(self) -> None:
        nested = attributes(**{**NUMBERS, "prompt_tokens_details": attributes(cached=1000)})
        shapes = {
            "a dict": NUMBERS,
            "pydantic 2": Pydantic2(),
            "pydantic 1": Pydantic1(),
            "a dataclass": DataclassUsage(1200, 89, Details(1000)),
            "attributes": nested,
        }
        for name, shape in shapes.items():
            with self.subTest(name):
                self.assertEqual(json.loads(self.settled(shape).usage_json), NUMBERS)

    def test_of_a_response_the_usage_and_the_model_are_sent_and_nothing_of_what_it_said(
        self,
    ) -> None:
        content: dict[str, Any] = {"choices": [{"message": {"content": "secret " * 10_000}}]}
        event = {"type": "response.completed", "response": {"usage": NUMBERS, **content}}
        cohere = {"meta": {"billed_units": {"input_tokens": 3}}, **content}
        bare = {"input_tokens": 3, "details": {"cached_tokens": 1, "text": "secret"}, **content}
        for response in (event, cohere, bare):
            sent = self.settled(response).usage_json
            self.assertIn("tokens", sent)
            self.assertNotIn("secret", sent)
        openai = {"model": "gpt-4o-2024-08-06", "usage": NUMBERS, "id": "x", **content}
        gemini = {"modelVersion": "gemini-2", "usageMetadata": {"promptTokenCount": 3}, **content}
        for response in (openai, attributes(**openai), gemini, attributes(**gemini)):
            sent = self.settled(response).usage_json
            self.assertNotIn("secret", sent)
            self.assertEqual(len(json.loads(sent)), 2)
        self.assertEqual(
            json.loads(self.settled(openai).usage_json),
            {"usage": NUMBERS, "model": "gpt-4o-2024-08-06"},
        )
        self.assertEqual(self.settled(openai).model, "gpt-4o-2024-08-06")

    def test_numbers(self) -> None:
        settled = self.settled(
            model="m",
            provider="p",
            tokens_in=5,
            tokens_out=0,
            cached_tokens_in=2,
            cache_write_tokens_in=1,
            cost=0.25,
        )
        self.assertEqual((settled.model, settled.provider, settled.cost), ("m", "p", 0.25))
        self.assertEqual((settled.tokens_in, settled.cached_tokens_in), (5, 2))
        self.assertEqual(settled.cache_write_tokens_in, 1)
        self.assertTrue(settled.HasField("tokens_out"), "0 is a number too")

    def test_the_later_word_on_each_thing_counts(self) -> None:
        settled = self.settled({"input_tokens": 1}, {"input_tokens": 2}, cost=0.5)
        self.assertEqual(settled.usage_json, '{"input_tokens":2}')
        self.assertEqual(settled.cost, 0.5)

    def test_nothing_reported_is_settled_at_what_was_held(self) -> None:
        settled = self.settled()
        self.assertEqual(settled.usage_json, "")
        for name in ("tokens_in", "tokens_out", "cost"):
            self.assertFalse(settled.HasField(name))

    def test_what_cannot_be_used_is_logged_and_raises_nothing(self) -> None:
        class Broken:
            @property
            def usage(self) -> Any:
                raise RuntimeError("no network")

        around: dict[str, Any] = {}
        around["self"] = around
        for source in (
            None,
            5,
            "text",
            [],
            {},
            object(),
            Broken(),
            around,
            {"tokens": "many"},
            {"usage": {"x": "y" * 40_000}},
        ):
            with self.subTest(type(source)), self.assertLogs("tollgate", "WARNING"):
                self.assertEqual(self.settled(source).usage_json, "")
        bad: dict[str, tuple[Any, ...]] = {
            "tokens_in": (-1, 1.5, "3", 1_000_000_001),
            "cost": (-0.1, float("nan"), float("inf"), "1", 1_000_001),
        }
        for name, values in bad.items():
            for value in values:
                with self.subTest(f"{name}={value}"), self.assertLogs("tollgate", "WARNING"):
                    settled = self.settled(**{name: value, "tokens_out": 7})
                    self.assertFalse(settled.HasField(name))
                    self.assertEqual(settled.tokens_out, 7)


    def test_what_only_the_server_can_read_is_passed_on(self) -> None:
        parts: tuple[dict[str, Any], ...] = (
            {"type": "message_delta", "usage": {"output_tokens": 5}},
            {"usage_metadata": {"input_tokens": 3, "output_tokens": 5}, "content": "secret"},
        )
        for part in parts:
            sent = json.loads(self.settled(part).usage_json)
            self.assertEqual(len(sent), 1)
            self.assertLessEqual(sent.items(), part.items())

    def test_one_bad_part_does_not_lose_the_settlement(self) -> None:
        class Unprintable:
            def __str__(self) -> str:
                raise RuntimeError("no")

            __repr__ = __str__

        bad: tuple[dict[str, Any], ...] = (
            {"model": 5},
            {"model": "m" * 257},
            {"model": "lone \ud800"},
            {"provider": object()},
            {"provider": "two\nlines"},
            {"provider": Unprintable()},
            {"tokens_in": Unprintable()},
            {"cost": Unprintable()},
            {"tokens_in": 3, "cached_tokens_in": 2, "cache_write_tokens_in": 2},
        )
        for part in bad:
            with self.subTest(list(part)), self.assertLogs("tollgate", "WARNING"):
                settled = self.settled(**{"tokens_out": 7, **part})
                self.assertEqual((settled.model, settled.provider), ("gpt-4o", ""))
                self.assertEqual((settled.tokens_out, settled.cached_tokens_in), (7, 0))
        long = {"model": "m" * 257, "usage": {"input_tokens": 3}}
        with self.assertLogs("tollgate", "WARNING"):
            settled = self.settled(long)
        self.assertEqual(settled.model, "gpt-4o")
        self.assertIn('"input_tokens":3', settled.usage_json)

    def test_numbers_of_any_kind(self) -> None:
        settled = self.settled(tokens_in=True, cost=Decimal("0.5"), model=" m ")
        self.assertEqual((settled.tokens_in, settled.cost, settled.model), (1, 0.5, "m"))

    def test_why_a_call_was_not_sent_is_a_line_that_fits(self) -> None:
        whys: tuple[tuple[Any, str], ...] = (
            (ConnectionError("refused"), "refused"),
            ("two\nlines\t", "two lines"),
            ("\ud800", "?"),
            ("ä" * 200, "ä" * 128),
            (None, "None"),
        )
        for why, sent in whys:
            gate = tollgate.fake_gate()
            with self.subTest(why=repr(why)), gate.call(tool="t") as grant:
                grant.release(why)
            self.assertEqual(gate.releases[0].why, sent)


if __name__ == "__main__":
    unittest.main()
