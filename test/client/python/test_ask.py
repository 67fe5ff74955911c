"""Retries and waits, step by step: the test plays the sidecar and the clock."""

import unittest
from typing import Any

from fake_sidecar import allow

from tollgate.admission import SHORTEST_WAIT, admit
from tollgate.ask import FIRST_PAUSE, TRIES, ask
from tollgate.backlog import AT_ONCE, MOST, Backlog
from tollgate.contact import Contact
from tollgate.decision import Decision
from tollgate.errors import CallError, Denied
from tollgate.identity import Identity
from tollgate.options import FailureMode, OnDenied, Options
from tollgate.settlement import settle
from tollgate.steps import Failure, Pause, Reply, Send, Steps
from tollgate.usage import Usage
from tollgate.v1 import tollgate_pb2 as api

REQUEST = api.AuthorizeRequest(call_id="c1", agent_id="a")
AWAY = Failure("UNAVAILABLE", "connection refused")
OK = api.SettleResponse()
LATE = Failure("DEADLINE_EXCEEDED", "")


def play(steps: Steps[Any], replies: list[Reply]) -> tuple[list[Send], list[float], Any]:
    """Answers with the replies in turn: what was sent, how long was paused, what came of it."""
    sends: list[Send] = []
    pauses: list[float] = []
    reply: Reply | None = None
    rest = iter(replies)
    try:
        while True:
            step = steps.send(reply)
            if isinstance(step, Pause):
                pauses.append(step.seconds)
                reply = None
            else:
                sends.append(step)
                reply = next(rest)
    except StopIteration as stop:
        return sends, pauses, stop.value
    except (Denied, CallError) as error:
        return sends, pauses, error


def denial(**fields: Any) -> api.AuthorizeResponse:
    return api.AuthorizeResponse(verdict=api.VERDICT_DENY, reason="no", **fields)


def admission(
    on_denied: OnDenied = "raise", failure_mode: FailureMode = "deny", max_wait: float = 60.0
) -> Steps[Decision]:
    identity = Identity("a", "", "", "")
    options = Options("x", identity, "", on_denied, failure_mode, max_wait, timeout=0.25)
    return admit(REQUEST, options, on_denied, Contact("x", ""))


class Retries(unittest.TestCase):
    def test_what_nobody_answered_is_sent_again_unchanged_up_to_three_times(self) -> None:
        ok = allow(REQUEST)
        cases: tuple[tuple[list[Reply], int, Reply], ...] = (
            ([ok], 1, ok),
            ([AWAY, ok], 2, ok),
            ([LATE, AWAY, ok], 3, ok),
            ([LATE, LATE, LATE], TRIES, LATE),
        )
        for replies, tries, last in cases:
            with self.subTest(tries=tries):
                sends, pauses, result = play(ask("Authorize", REQUEST, 0.25), replies)
                self.assertEqual(len(sends), tries)
                self.assertTrue(all(send.request is REQUEST for send in sends))
                self.assertTrue(all(send.timeout == 0.25 for send in sends))
                self.assertEqual(len(pauses), tries - 1)
                self.assertIs(result, last)

    def test_an_error_that_the_sidecar_answered_is_not_asked_twice(self) -> None:
        for code in ("INVALID_ARGUMENT", "ALREADY_EXISTS", "PERMISSION_DENIED", "INTERNAL"):
            with self.subTest(code):
                sends, _, result = play(ask("Authorize", REQUEST, 0.25), [Failure(code, "")])
                self.assertEqual((len(sends), result.code), (1, code))

    def test_pauses_grow_and_differ(self) -> None:
        drawn = [play(ask("Settle", REQUEST, 1), [AWAY] * 3)[1] for _ in range(50)]
        for first, second in drawn:
            self.assertTrue(FIRST_PAUSE / 2 <= first <= FIRST_PAUSE <= second <= 2 * FIRST_PAUSE)
        self.assertGreater(len({first for first, _ in drawn}), 40)


class Waiting(unittest.TestCase):
    def test_waits_at_least_as_long_as_told_and_asks_the_same_again(self) -> None:
        replies = [denial(retry_after_ms=2000), denial(retry_after_ms=3000), allow(REQUEST)]
        sends, pauses, decision = play(admission("wait"), replies)
        self.assertTrue(decision.allowed)
        self.assertEqual([send.request for send in sends], [REQUEST] * 3)
        self.assertTrue(2.0 <= pauses[0] <= 2.2 and 3.0 <= pauses[1] <= 3.3, pauses)

    def test_waits_for_the_end_of_a_halt_and_for_who_is_away(self) -> None:
        halted = denial(decided_at_us=1_000_000, halt=api.Halt(until_us=4_000_000))
        _, pauses, _ = play(admission("wait"), [halted, allow(REQUEST)])
        self.assertTrue(3.0 <= pauses[0] <= 3.3, pauses)
        _, pauses, _ = play(admission("wait"), [denial(degraded=True), allow(REQUEST)])
        self.assertTrue(1.0 <= pauses[0] <= 1.1, pauses)
        with self.assertLogs("tollgate"):
            _, pauses, _ = play(admission("wait"), [AWAY, AWAY, AWAY, allow(REQUEST)])
        self.assertTrue(1.0 <= pauses[2] <= 1.1, pauses)

    def test_waits_do_not_come_in_step(self) -> None:
        firsts = set()
        for _ in range(50):
            replies = [denial(retry_after_ms=2000), allow(REQUEST)]
            firsts.add(play(admission("wait"), replies)[1][0])
        self.assertGreater(len(firsts), 40)

    def test_all_waits_of_a_call_together_stay_within_max_wait(self) -> None:
        replies: list[Reply] = [denial(retry_after_ms=2000)] * 100
        sends, pauses, error = play(admission("wait", max_wait=7.0), replies)
        self.assertIsInstance(error, Denied)
        self.assertTrue(6.0 <= sum(pauses) <= 7.0, pauses)
        self.assertEqual(len(sends), len(pauses) + 1)

    def test_a_wait_of_milliseconds_is_not_a_busy_loop(self) -> None:
        _, pauses, _ = play(admission("wait"), [denial(retry_after_ms=1), allow(REQUEST)])
        self.assertGreaterEqual(pauses[0], SHORTEST_WAIT)

    def test_what_time_does_not_lift_is_raised_at_once(self) -> None:
        for name, response in (
            ("never fits", denial(never_fits=True, retry_after_ms=10)),
            ("no time is known", denial()),
            (
                "halted beyond max_wait",
                denial(decided_at_us=10, halt=api.Halt(until_us=60_000_011)),
            ),
            ("halted without an end", denial(halt=api.Halt(agent_id="a", by="someone"))),
            ("beyond max_wait", denial(retry_after_ms=60_001)),
        ):
            with self.subTest(name):
                sends, pauses, error = play(admission("wait"), [response])
                self.assertEqual((len(sends), pauses), (1, []))
                self.assertIsInstance(error, Denied)

    def test_only_wait_waits(self) -> None:
        modes: tuple[OnDenied, ...] = ("raise", "tell")
        for mode in modes:
            sends, pauses, error = play(admission(mode), [denial(retry_after_ms=10)])
            self.assertEqual((len(sends), pauses), (1, []))
            self.assertIsInstance(error, Denied)


class FailureModes(unittest.TestCase):
    def test_decide_only_when_nobody_answered(self) -> None:
        with self.assertLogs("tollgate"):
            _, _, allowed = play(admission(failure_mode="allow"), [AWAY] * 3)
            _, _, denied = play(admission(failure_mode="deny"), [LATE] * 3)
        self.assertEqual((allowed.allowed, allowed.degraded_reason), (True, "unreachable"))
        self.assertEqual(denied.decision.degraded_reason, "unanswered")

    def test_never_turn_a_refused_request_into_an_allowed_one(self) -> None:
        for code in ("INVALID_ARGUMENT", "ALREADY_EXISTS", "PERMISSION_DENIED", "UNIMPLEMENTED"):
            with self.subTest(code):
                _, _, error = play(admission(failure_mode="allow"), [Failure(code, "bad")])
                self.assertIsInstance(error, CallError)
                self.assertEqual((error.code, error.details, error.call_id), (code, "bad", "c1"))

    def test_a_verdict_that_this_client_does_not_know_is_a_denial(self) -> None:
        response = api.AuthorizeResponse(call_id="c1")
        _, _, error = play(admission(failure_mode="allow"), [response])
        self.assertIsInstance(error, Denied)


class Settling(unittest.TestCase):
    def setUp(self) -> None:
        self.backlog = Backlog()
        self.options = Options("x", Identity("a", "", "", ""), "", "raise", "deny", 60.0, 0.25)

    def settle(self, call_id: str, *replies: Reply) -> list[str]:
        """Settles one call; gives the ids of all that was told."""
        call = api.AuthorizeRequest(call_id=call_id, agent_id="a")
        contact = Contact("x", "")
        steps = settle(call, Usage(cost=1.0), "ok", False, self.options, contact, self.backlog)
        return [send.request.call_id for send in play(steps, list(replies))[0]]

    def test_what_nobody_answered_is_kept_and_told_after_the_next(self) -> None:
        with self.assertLogs("tollgate", "WARNING") as logs:
            self.assertEqual(self.settle("c1", AWAY, LATE, AWAY), ["c1"] * TRIES)
            self.settle("c2", AWAY, AWAY, AWAY)
        self.assertTrue(any("call c1 waits" in line for line in logs.output))
        self.assertEqual(self.settle("c3", OK, OK, OK), ["c3", "c1", "c2"])
        self.assertEqual(self.settle("c4", OK), ["c4"])

    def test_what_still_nobody_answers_stays_kept_in_order(self) -> None:
        with self.assertLogs("tollgate"):
            for call_id in ("c1", "c2"):
                self.settle(call_id, AWAY, AWAY, AWAY)
            self.assertEqual(self.settle("c3", OK, AWAY, AWAY, AWAY), ["c3", "c1", "c1", "c1"])
        self.assertEqual(self.settle("c4", OK, OK, OK), ["c4", "c1", "c2"])

    def test_what_is_refused_is_logged_and_not_kept(self) -> None:
        with self.assertLogs("tollgate", "WARNING") as logs:
            self.settle("c1", Failure("INVALID_ARGUMENT", "cost: too large"))
        self.assertIn("call c1 is lost: INVALID_ARGUMENT: cost: too large", logs.output[0])
        self.assertEqual(len(self.backlog), 0)

    def test_one_caller_does_not_wait_for_the_whole_backlog(self) -> None:
        with self.assertLogs("tollgate"):
            for number in range(2 * AT_ONCE):
                self.settle(f"c{number}", AWAY, AWAY, AWAY)
        self.assertEqual(len(self.settle("next", *[OK] * (AT_ONCE + 1))), AT_ONCE + 1)
        self.assertEqual(len(self.backlog), AT_ONCE)

    def test_the_backlog_is_bounded_and_says_what_it_loses(self) -> None:
        with self.assertLogs("tollgate", "WARNING") as logs:
            for number in range(MOST + 1):
                self.settle(f"c{number}", AWAY, AWAY, AWAY)
        self.assertEqual(len(self.backlog), MOST)
        self.assertIn("call c0 is lost", logs.output[-1])


if __name__ == "__main__":
    unittest.main()
