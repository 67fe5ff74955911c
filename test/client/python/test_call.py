"""`with gate.call(...)` over a real socket."""

import pickle
import tempfile
import threading
import time
import unittest
from typing import Any
from unittest import mock

import grpc
from fake_sidecar import FakeSidecar, deny, fail

import tollgate
from tollgate.v1 import tollgate_pb2 as api


class CallTest(unittest.TestCase):
    def setUp(self) -> None:
        self.sidecar = FakeSidecar()
        self.addCleanup(self.sidecar.stop)

    def gate(self, **options: Any) -> tollgate.Gate:
        # Long for one try on a busy machine: no test but those of the deadline waits for it.
        options = {"agent": "support", "timeout": 10.0, **options}
        gate = tollgate.connect(self.sidecar.address, **options)
        self.addCleanup(gate.close)
        return gate

    def settled(self) -> Any:
        (settlement,) = self.sidecar.wait_for("Settle")
        return settlement


class Life(CallTest):
    def test_asks_runs_and_settles(self) -> None:
        gate = self.gate(team="ops", cost_centre="CC-1", instance="pod-1", run="r1")
        with gate.call(
            model="gpt-4o",
            provider="openai",
            operation="chat",
            tokens_in=1240,
            max_tokens_out=500,
            estimated_cost=0.0043,
            labels={"ticket": "T-1"},
        ) as grant:
            self.assertEqual([seen.method for seen in self.sidecar.seen], ["Authorize"])
            grant.used({"prompt_tokens": 1200, "completion_tokens": 89}, model="gpt-4o-2024-08-06")
        (asked,) = self.sidecar.of("Authorize")
        self.assertTrue(asked.timestamp.seconds > 0)
        asked.ClearField("timestamp")
        self.assertEqual(
            asked,
            api.AuthorizeRequest(
                call_id=grant.call_id,
                agent_id="support",
                team_id="ops",
                cost_centre="CC-1",
                instance="pod-1",
                run_id="r1",
                model="gpt-4o",
                provider="openai",
                operation="chat",
                tokens_in=1240,
                max_tokens_out=500,
                estimated_cost=0.0043,
                labels={"ticket": "T-1"},
            ),
        )
        settled = self.settled()
        self.assertEqual(settled.call_id, grant.call_id)
        self.assertEqual(settled.agent_id, "support")
        self.assertEqual((settled.team_id, settled.instance), ("ops", "pod-1"))
        self.assertEqual(settled.model, "gpt-4o-2024-08-06")
        self.assertEqual(settled.usage_json, '{"prompt_tokens":1200,"completion_tokens":89}')
        self.assertEqual(settled.outcome, api.OUTCOME_OK)
        self.assertFalse(settled.HasField("call"), "it was authorized")

    def test_each_call_has_an_id_of_its_own_unless_given(self) -> None:
        gate = self.gate()
        for call_id in (None, None, "mine"):
            with gate.call(tool="t", call_id=call_id):
                pass
        ids = [call.call_id for call in self.sidecar.of("Authorize")]
        self.assertEqual(len(set(ids)), 3)
        self.assertEqual(ids[2], "mine")

    def test_one_call_object_is_one_call(self) -> None:
        call = self.gate().call(tool="t")
        with call:
            pass
        with self.assertRaises(RuntimeError), call:
            self.fail("it ran twice")
        self.assertEqual(len(self.sidecar.of("Authorize")), 1)

    def test_a_closed_gate_opens_again(self) -> None:
        with self.gate() as gate, gate.call(tool="t"):
            pass
        with gate.call(tool="t"):
            pass
        self.assertEqual(len(self.sidecar.wait_for("Settle", 2)), 2)

    def test_unix_sockets(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            sidecar = FakeSidecar(f"unix://{folder}/tollgate.sock")
            self.addCleanup(sidecar.stop)
            with tollgate.connect(sidecar.address, timeout=10.0) as gate, gate.call(tool="t"):
                pass
        self.assertEqual(len(sidecar.of("Settle")), 1)

    def test_the_environment_fills_in_what_is_not_given(self) -> None:
        env = {
            "TOLLGATE_ADDRESS": self.sidecar.address,
            "TOLLGATE_AGENT_ID": "env-agent",
            "TOLLGATE_TEAM_ID": "env-team",
            "TOLLGATE_COST_CENTRE": "env-cc",
            "TOLLGATE_INSTANCE": "env-pod",
            # A proxy would not know the loopback.
            "http_proxy": "http://127.0.0.1:9",
        }
        with mock.patch.dict("os.environ", env):
            gate = tollgate.connect(team="given", timeout=10.0)
            with gate, gate.call(tool="t"):
                pass
        (asked,) = self.sidecar.of("Authorize")
        self.assertEqual(
            (asked.agent_id, asked.team_id, asked.cost_centre, asked.instance),
            ("env-agent", "given", "env-cc", "env-pod"),
        )

    def test_a_bad_choice_is_refused_when_it_is_made(self) -> None:
        bad: tuple[dict[str, Any], ...] = (
            {"on_denied": "shrug"},
            {"failure_mode": "maybe"},
            {"timeout": 0},
            {"max_wait": -1},
            {"timeout": float("nan")},
            {"timeout": float("inf")},
            {"max_wait": float("nan")},
            {"address": "http://127.0.0.1:7400"},
            {"address": "127.0.0.1"},
            {"address": "sidecar:grpc"},
        )
        for options in bad:
            with self.subTest(options), self.assertRaises(ValueError):
                tollgate.connect(**options)


class Retries(CallTest):
    def test_a_lost_reply_is_asked_again_with_the_same_bytes(self) -> None:
        self.sidecar.script = [
            fail(grpc.StatusCode.UNAVAILABLE),
            self.sidecar.hang,
        ]
        with self.gate(timeout=0.5).call(tool="t", labels={f"l{n}": "x" for n in range(16)}):
            pass
        asked = [seen for seen in self.sidecar.seen if seen.method == "Authorize"]
        self.assertEqual(len(asked), 3)
        self.assertEqual(len({seen.raw for seen in asked}), 1)
        self.assertEqual(len({seen.request.call_id for seen in asked}), 1)

    def test_every_try_has_a_deadline_and_three_are_the_end(self) -> None:
        self.sidecar.script = [self.sidecar.hang] * 3
        gate = tollgate.connect(self.sidecar.address)
        self.addCleanup(gate.close)
        began = time.monotonic()
        with self.assertLogs("tollgate", "WARNING"), self.assertRaises(tollgate.Denied) as raised:
            with gate.call(tool="t"):
                self.fail("it ran")
        self.assertGreaterEqual(time.monotonic() - began, 3 * 0.25)
        self.assertEqual(len(self.sidecar.seen), 3)
        self.assertLess(max(seen.seconds_left for seen in self.sidecar.seen), 0.3)
        self.assertEqual(raised.exception.decision.degraded_reason, "unanswered")

    def test_a_settlement_is_repeated_too_and_does_not_raise(self) -> None:
        gate = self.gate()
        with gate.call(tool="t"):
            self.sidecar.script = [fail(grpc.StatusCode.UNAVAILABLE)]
        gate.close()
        self.assertEqual(len({s.SerializeToString() for s in self.sidecar.of("Settle")}), 1)
        self.assertEqual(len(self.sidecar.of("Settle")), 2)
        with self.assertLogs("tollgate", "WARNING") as logs:
            with gate.call(tool="t") as grant:
                self.sidecar.script = [fail(grpc.StatusCode.INVALID_ARGUMENT, "broken")]
            gate.close()
        self.assertIn(grant.call_id, logs.output[0])
        self.assertIn("broken", logs.output[0])


class Denials(CallTest):
    def test_raise_with_all_that_is_known_and_the_body_does_not_run(self) -> None:
        self.sidecar.script = [
            deny(
                retry_after_ms=1500,
                affordable_cost_usd=0.5,
                affordable_tokens_out=12,
                policy_hash="abc",
                rules=[
                    api.RuleStatus(rule_id="fine", action=api.ACTION_ALERT),
                    api.RuleStatus(
                        rule_id="loop-detection",
                        action=api.ACTION_BLOCK,
                        metric=api.METRIC_CALLS,
                        partition="agent=support",
                        limit=50,
                        used=50,
                        remaining=0,
                        denied=True,
                    ),
                ],
            )
        ]
        with self.assertRaises(tollgate.Denied) as raised, self.gate().call(tool="t"):
            self.fail("it ran")
        denied = raised.exception
        self.assertEqual(denied.rule, "loop-detection")
        self.assertEqual(denied.retry_after, 1.5)
        self.assertEqual(denied.reason, "loop-detection: 50 of 50 calls in 60 s")
        self.assertFalse(denied.halted)
        self.assertEqual(denied.decision.affordable_cost_usd, 0.5)
        self.assertEqual(denied.decision.affordable_tokens_out, 12)
        rule = denied.decision.rules[1]
        self.assertEqual((rule.action, rule.metric, rule.limit), ("block", "calls", 50))
        self.assertEqual((rule.used, rule.remaining), (50, 0))
        self.assertIsNone(denied.decision.rules[0].limit)
        self.assertEqual(self.sidecar.of("Settle"), [])
        again = pickle.loads(pickle.dumps(denied))
        self.assertEqual((again.decision, str(again)), (denied.decision, denied.reason))

    def test_wait_asks_again_when_it_may_pass(self) -> None:
        self.sidecar.script = [deny(retry_after_ms=60)]
        began = time.monotonic()
        with self.gate(on_denied="wait").call(tool="t"):
            self.assertGreaterEqual(time.monotonic() - began, 0.06)
        self.assertEqual(len({call.call_id for call in self.sidecar.of("Authorize")}), 1)
        self.assertEqual(len(self.sidecar.of("Authorize")), 2)

    def test_one_call_may_choose_otherwise(self) -> None:
        self.sidecar.script = [deny(retry_after_ms=1)]
        with self.gate().call(tool="t", on_denied="wait"):
            pass
        bad: Any = "shrug"
        with self.assertRaises(ValueError):
            self.gate().call(tool="t", on_denied=bad)

    def test_tell_raises_from_a_with_since_its_body_cannot_be_skipped(self) -> None:
        self.sidecar.script = [deny()]
        with self.assertRaises(tollgate.Denied), self.gate(on_denied="tell").call(tool="t"):
            self.fail("it ran")

    def test_a_halt_says_so(self) -> None:
        self.sidecar.script = [deny(halt=api.Halt(agent_id="support", rule_id="h", since_us=5))]
        with self.assertRaises(tollgate.Denied) as raised, self.gate().call(tool="t"):
            self.fail("it ran")
        self.assertTrue(raised.exception.halted)
        self.assertEqual(raised.exception.rule, "h")

    def test_what_the_model_is_told(self) -> None:
        cases: tuple[tuple[dict[str, Any], str], ...] = (
            ({"retry_after_ms": 12_300}, "Do not repeat it within the next 13 seconds."),
            ({"never_fits": True}, "Do not repeat it as it is: waiting is no help."),
            (
                {"retry_after_ms": 900, "affordable_cost_usd": 1.2e-7, "affordable_tokens_out": 1},
                "Do not repeat it within the next 1 second. A call that costs at most $0.00000012 "
                "and asks for at most 1 output token passes now.",
            ),
            (
                {"never_fits": True, "affordable_cost_usd": 0.5, "affordable_tokens_out": 12},
                "Do not repeat it as it is: waiting is no help. A call that costs at most $0.5 and "
                "asks for at most 12 output tokens passes now.",
            ),
            (
                {"halt": api.Halt(agent_id="support")},
                "You are stopped until a person resumes you: make no further calls, and say so.",
            ),
            (
                {"halt": api.Halt(agent_id="support"), "retry_after_ms": 5_000},
                "You are stopped: make no further calls within the next 5 seconds.",
            ),
        )
        for fields, words in cases:
            with self.subTest(words):
                self.sidecar.script = [deny(**fields)]
                with self.assertRaises(tollgate.Denied) as raised, self.gate().call(tool="t"):
                    self.fail("it ran")
                said = "The call to t was not made: loop-detection: 50 of 50 calls in 60 s."
                self.assertEqual(raised.exception.tell, f"{said} {words}")

    def test_a_refused_request_is_an_error_in_either_failure_mode(self) -> None:
        for mode in ("allow", "deny"):
            self.sidecar.script = [fail(grpc.StatusCode.INVALID_ARGUMENT, "agent_id: required")]
            gate = self.gate(failure_mode=mode)
            with self.assertRaises(tollgate.CallError) as raised, gate.call(tool="t"):
                self.fail("it ran")
            self.assertEqual(raised.exception.code, "INVALID_ARGUMENT")
            self.assertEqual(raised.exception.details, "agent_id: required")
            self.assertEqual(
                str(pickle.loads(pickle.dumps(raised.exception))), str(raised.exception)
            )


class Unanswered(CallTest):
    def test_a_denial_because_nobody_answered_leaves_no_hold(self) -> None:
        self.sidecar.script = [self.sidecar.hang] * 3
        gate = self.gate(timeout=0.25)
        with self.assertLogs("tollgate", "WARNING"), self.assertRaises(tollgate.Denied):
            with gate.call(tool="t"):
                self.fail("it ran")
        (released,) = self.sidecar.wait_for("Release")
        self.assertEqual({call.call_id for call in self.sidecar.of("Authorize")}, {released.call_id})

    def test_closing_loses_nobody_who_asks(self) -> None:
        gate = self.gate()
        self.sidecar.script = [self.sidecar.hang]
        results: list[str] = []

        def work() -> None:
            with gate.call(tool="t") as grant:
                results.append(grant.call_id)

        thread = threading.Thread(target=work)
        thread.start()
        self.sidecar.wait_for("Authorize")
        gate.close()
        thread.join()
        # Asked again under the same id, over another connection.
        self.assertEqual([call.call_id for call in self.sidecar.of("Authorize")], results * 2)

    def test_nobody_waits_for_a_settlement(self) -> None:
        gate = self.gate()
        answer = threading.Event()
        self.addCleanup(answer.set)

        def slow(request: Any, context: Any) -> Any:
            answer.wait(20)
            return self.sidecar.usual(request, context)

        with gate.call(tool="t"):
            self.sidecar.script = [slow]
        self.sidecar.wait_for("Settle")
        for _ in range(5):
            with gate.call(tool="t"):
                self.assertFalse(answer.is_set())
        answer.set()
        gate.close(20)
        self.assertEqual(len(self.sidecar.of("Settle")), 6)


class Exceptions(CallTest):
    def test_what_was_reported_is_settled_as_an_error(self) -> None:
        with self.assertRaises(KeyError), self.gate().call(tool="t") as grant:
            grant.used(cost=0.01)
            raise KeyError("x")
        self.assertEqual(self.settled().outcome, api.OUTCOME_ERROR)
        self.assertEqual(self.settled().cost, 0.01)

    def test_where_nothing_was_reported_the_hold_is_left(self) -> None:
        with self.assertRaises(KeyError), self.gate().call(tool="t"):
            raise KeyError("x")
        self.assertEqual([seen.method for seen in self.sidecar.seen], ["Authorize"])

    def test_an_interrupt_is_settled_as_cancelled(self) -> None:
        with self.assertRaises(KeyboardInterrupt), self.gate().call(tool="t") as grant:
            grant.used(tokens_in=1, tokens_out=2)
            raise KeyboardInterrupt
        self.assertEqual(self.settled().outcome, api.OUTCOME_CANCELLED)

    def test_an_interrupt_while_asking_gives_the_call_back(self) -> None:
        gate = self.gate(on_denied="wait")
        self.sidecar.script = [deny(retry_after_ms=50)]
        with mock.patch("time.sleep", side_effect=KeyboardInterrupt):
            with self.assertRaises(KeyboardInterrupt), gate.call(tool="t"):
                self.fail("it ran")
        gate.close()
        self.assertEqual([seen.method for seen in self.sidecar.seen], ["Authorize", "Release"])

    def test_a_call_that_was_never_sent_is_given_back(self) -> None:
        for error in (None, KeyError("x")):
            self.sidecar.seen.clear()
            try:
                with self.gate().call(tool="t") as grant:
                    grant.release("in the cache")
                    if error:
                        raise error
            except KeyError:
                pass
            (released,) = self.sidecar.wait_for("Release")
            self.assertEqual([s.method for s in self.sidecar.seen], ["Authorize", "Release"])
            self.assertEqual((released.call_id, released.agent_id), (grant.call_id, "support"))
            self.assertEqual(released.why, "in the cache")

    def test_use_counts_more_than_a_release(self) -> None:
        with self.gate().call(tool="t") as grant:
            grant.used(cost=1)
            grant.release()
        self.assertEqual(self.settled().cost, 1)

    def test_a_report_after_the_end_is_said_to_be_lost(self) -> None:
        with self.gate().call(tool="t") as grant:
            pass
        with self.assertLogs("tollgate", "WARNING"):
            grant.used(cost=1)


class Threads(CallTest):
    def test_many_threads_share_a_gate(self) -> None:
        gate = self.gate(timeout=30.0)
        problems: list[BaseException] = []

        def work() -> None:
            try:
                for _ in range(20):
                    with gate.call(tool="t") as grant:
                        grant.used(cost=0.001)
            except BaseException as problem:
                problems.append(problem)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])
        self.assertEqual(len({call.call_id for call in self.sidecar.of("Authorize")}), 160)
        gate.close()
        self.assertEqual(len({call.call_id for call in self.sidecar.of("Settle")}), 160)
        self.assertEqual({call.parent for call in self.sidecar.of("Authorize")}, {""})


if __name__ == "__main__":
    unittest.main()
