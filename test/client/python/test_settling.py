"""The client settles with a real sidecar."""

import io
import re
import sys
import types
import unittest
from contextlib import redirect_stdout
from typing import Any
from unittest import mock

from real_sidecar import ROOT, SidecarTest

import tollgate
from tollgate.steps import Failure
from tollgate.transport import Immediate


class Settling(SidecarTest):
    def test_a_call_that_used_less_than_it_held_gives_the_rest_back(self) -> None:
        gate = self.gate()
        with self.assertNoLogs("tollgate", "WARNING"):
            with gate.call(model="gpt-4o", estimated_cost=0.9) as grant:
                grant.used(cost=0.1)
            gate.close()
            with gate.call(model="gpt-4o", estimated_cost=0.9) as second:
                second.used(cost=0.85)
            gate.close()
        with self.assertRaises(tollgate.Denied):
            with gate.call(model="gpt-4o", estimated_cost=0.1):
                self.fail("it ran")

    def test_a_call_that_was_never_sent_is_given_back(self) -> None:
        gate = self.gate()
        for _ in range(3):
            with self.assertNoLogs("tollgate", "WARNING"):
                with gate.call(model="gpt-4o", estimated_cost=0.9) as grant:
                    grant.release("in the cache")
                gate.close()

    def test_the_providers_usage_is_priced(self) -> None:
        gate = self.gate()
        usage = {"prompt_tokens": 1240, "completion_tokens": 89, "total_tokens": 1329}
        with self.assertNoLogs("tollgate", "WARNING"):
            with gate.call(model="gpt-4o", provider="openai", max_tokens_out=500) as grant:
                grant.used({"model": "gpt-4o", "object": "chat.completion", "usage": usage})
            gate.close()
        with gate.call(model="gpt-4o", estimated_cost=0.0) as after:
            # 1,240 x $2.50 and 89 x $10.00 per million.
            self.assertAlmostEqual(after.decision.rules[0].used or 0.0, 0.00399, places=9)

    def test_what_an_exception_leaves_stays_held(self) -> None:
        gate = self.gate()
        with self.assertRaises(KeyError), gate.call(model="gpt-4o", estimated_cost=0.9):
            raise KeyError("x")
        with self.assertRaises(tollgate.Denied):
            with gate.call(model="gpt-4o", estimated_cost=0.2):
                self.fail("it ran")

    def test_a_call_that_was_never_authorized_is_charged_all_the_same(self) -> None:
        gate = self.gate(failure_mode="allow")
        nobody = Immediate(lambda _send: Failure("UNAVAILABLE", "as the test wants", sent=False))
        with self.assertLogs("tollgate", "WARNING"):
            # Away at the question, back at the settlement.
            with mock.patch.object(gate, "_transport", nobody):
                call = gate.call(model="gpt-4o")
                grant = call.__enter__()
            self.assertTrue(grant.degraded)
            grant.used(cost=0.9)
            call.__exit__(None, None, None)
            gate.close()
        with gate.call(model="gpt-4o", estimated_cost=0.0) as after:
            self.assertAlmostEqual(after.decision.rules[0].used or 0.0, 0.9, places=9)

    def test_lineage_goes_through_headers(self) -> None:
        gate, other = self.gate(), self.gate()
        with self.assertNoLogs("tollgate", "WARNING"), gate.run("run-1"):
            with gate.call(tool="delegate") as outer:
                headers = gate.headers()
                self.assertEqual(headers, {"tollgate-lineage": outer.decision.lineage})
            with other.from_headers(headers), other.call(tool="search") as inner:
                self.assertNotIn(inner.decision.lineage, ("", outer.decision.lineage))


class Readme(SidecarTest):
    def test_its_first_example_runs_as_it_stands(self) -> None:
        text = (ROOT / "src" / "client" / "python" / "README.md").read_text()
        example = re.search(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        assert example is not None
        self.assertLessEqual(len(example[1].splitlines()), 20)
        asked: list[dict[str, Any]] = []
        openai: Any = types.ModuleType("openai")
        openai.OpenAI = lambda: _stub_openai(asked)
        environment = {"TOLLGATE_ADDRESS": self.sidecar.address}
        with (
            mock.patch.dict(sys.modules, openai=openai),
            mock.patch.dict("os.environ", environment),
        ):
            names: dict[str, Any] = {}
            with self.assertNoLogs("tollgate", "WARNING"), redirect_stdout(io.StringIO()) as out:
                exec(compile(example[1], "README.md", "exec"), names)
        names["gate"].close()
        self.assertEqual(out.getvalue(), "On its way.\n")
        self.assertEqual([request["model"] for request in asked], ["gpt-4o"])


def _stub_openai(asked: list[dict[str, Any]]) -> Any:
    """A client that answers like the provider's."""

    def create(**request: Any) -> Any:
        asked.append(request)
        message = types.SimpleNamespace(content="On its way.")
        return types.SimpleNamespace(
            model=request["model"],
            choices=[types.SimpleNamespace(message=message)],
            usage=types.SimpleNamespace(prompt_tokens=1240, completion_tokens=89),
        )

    completions = types.SimpleNamespace(create=create)
    return types.SimpleNamespace(chat=types.SimpleNamespace(completions=completions))


if __name__ == "__main__":
    unittest.main()
