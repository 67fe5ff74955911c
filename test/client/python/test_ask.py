"""Retries and waits, step by step: the test plays the sidecar and the clock."""

import logging
import unittest
from typing import Any

from fake_sidecar import allow

from tollgate.admission import SHORTEST_WAIT, Admitted, admit
from tollgate.ask import LOST_PAUSE, REFUSED_PAUSE, TRIES, Answer, ask
from tollgate.backlog import Backlog
from tollgate.contact import Contact
from tollgate.errors import CallError, Denied
from tollgate.identity import Identity
from tollgate.options import FailureMode, OnDenied, Options
from tollgate.steps import Failure, Pause, Reply, Send, Steps
from tollgate.transport import Immediate
from tollgate.v1 import tollgate_pb2 as api

REQUEST = api.AuthorizeRequest(call_id="c1", agent_id="a")
AWAY = Failure("UNAVAILABLE", "connection refused", sent=False)
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


class Asking(unittest.TestCase):
    def setUp(self) -> None:
        self.told: list[Send] = []

    def tell(self, send: Send) -> Reply:
        self.told.append(send)
        return api.ReleaseResponse()

    def released(self) -> list[str]:
        """The ids of the calls that were given back."""
        self.assertTrue(all(send.method == "Release" for send in self.told))
        return [send.request.call_id for send in self.told]

    def admission(
        self,
        on_denied: OnDenied = "raise",
        failure_mode: FailureMode = "deny",
        max_wait: float = 60.0,
        own_id: bool = False,
    ) -> Steps[Admitted]:
        identity = Identity("a", "", "", "")
        options = Options("x:1", identity, "", on_denied, failure_mode, max_wait, timeout=0.25)
        contact = Contact("x:1", "")
        backlog = Backlog(Immediate(self.tell), 0.25, Contact("x:1", ""))
        return admit(REQUEST, options, on_denied, contact, backlog, own_id)


def question() -> Steps[Answer]:
    return ask(REQUEST, 0.25, Contact("x:1", ""))


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
                sends, pauses, answer = play(question(), replies)
                self.assertEqual(len(sends), tries)
                self.assertTrue(all(send.request is REQUEST for send in sends))
                self.assertTrue(all(send.timeout == 0.25 for send in sends))
                self.assertEqual(len(pauses), tries - 1)
                self.assertIs(answer.reply, last)

    def test_an_error_that_the_sidecar_answered_is_not_asked_twice(self) -> None:
        for code in ("INVALID_ARGUMENT", "ALREADY_EXISTS", "PERMISSION_DENIED"):
            with self.subTest(code):
                sends, _, answer = play(question(), [Failure(code, "")])
                self.assertEqual((len(sends), answer.reply.code), (1, code))

    def test_every_code_that_says_that_nobody_answered_is_asked_again(self) -> None:
        for code in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "CANCELLED"):
            with self.subTest(code):
                sends, _, answer = play(question(), [Failure(code, ""), allow(REQUEST)])
                self.assertEqual((len(sends), answer.unheard), (2, True))

    def test_a_denial_that_is_due_to_a_hiccup_is_asked_again(self) -> None:
        for reason in ("deadline", "overloaded", "timeout"):
            with self.subTest(reason):
                hiccup = denial(degraded=True, degraded_reason=reason)
                sends, _, answer = play(question(), [hiccup, allow(REQUEST)])
                self.assertEqual(len(sends), 2)
                self.assertTrue(all(send.request is REQUEST for send in sends))
                _, _, answer = play(question(), [hiccup] * TRIES)
                self.assertIs(answer.reply, hiccup)
        for answer in (denial(degraded=True, degraded_reason="oom"), denial()):
            self.assertEqual(len(play(question(), [answer])[0]), 1)

    def test_while_contact_is_lost_there_is_one_try(self) -> None:
        contact = Contact("x:1", "")
        with self.assertLogs("tollgate", "WARNING"):
            self.assertEqual(len(play(ask(REQUEST, 0.25, contact), [AWAY] * 3)[0]), TRIES)
            self.assertEqual(len(play(ask(REQUEST, 0.25, contact), [LATE])[0]), 1)
            self.assertEqual(len(play(ask(REQUEST, 0.25, contact), [allow(REQUEST)])[0]), 1)
        self.assertEqual(len(play(ask(REQUEST, 0.25, contact), [AWAY, allow(REQUEST)])[0]), 2)

    def test_pauses_grow_and_differ_and_ride_out_a_restart(self) -> None:
        for failure, longest in ((LATE, LOST_PAUSE), (AWAY, REFUSED_PAUSE)):
            with self.assertLogs("tollgate", "WARNING"):
                drawn = [play(question(), [failure] * 3)[1] for _ in range(50)]
            for first, second in drawn:
                self.assertTrue(longest / 2 <= first <= longest <= second <= 2 * longest)
            self.assertGreater(len({first for first, _ in drawn}), 40)
        self.assertTrue(1.0 <= 1.5 * REFUSED_PAUSE and 3 * REFUSED_PAUSE <= 2.5)


class Waiting(Asking):
    def test_waits_at_least_as_long_as_told_and_asks_the_same_again(self) -> None:
        replies = [denial(retry_after_ms=2000), denial(retry_after_ms=3000), allow(REQUEST)]
        sends, pauses, (request, decision) = play(self.admission("wait"), replies)
        self.assertTrue(decision.allowed)
        self.assertIs(request, REQUEST)
        self.assertEqual([send.request for send in sends], [REQUEST] * 3)
        self.assertTrue(2.0 <= pauses[0] <= 2.2 and 3.0 <= pauses[1] <= 3.3, pauses)

    def test_waits_for_the_end_of_a_halt_and_for_who_is_away(self) -> None:
        halted = denial(decided_at_us=1_000_000, halt=api.Halt(until_us=4_000_000))
        _, pauses, _ = play(self.admission("wait"), [halted, allow(REQUEST)])
        self.assertTrue(3.0 <= pauses[0] <= 3.3, pauses)
        _, pauses, _ = play(self.admission("wait"), [denial(degraded=True), allow(REQUEST)])
        self.assertTrue(1.0 <= pauses[0] <= 1.1, pauses)
        with self.assertLogs("tollgate"):
            _, pauses, _ = play(self.admission("wait"), [AWAY, AWAY, AWAY, allow(REQUEST)])
        self.assertTrue(1.0 <= pauses[2] <= 1.1, pauses)

    def test_waits_do_not_come_in_step(self) -> None:
        firsts = set()
        for _ in range(50):
            replies = [denial(retry_after_ms=2000), allow(REQUEST)]
            firsts.add(play(self.admission("wait"), replies)[1][0])
        self.assertGreater(len(firsts), 40)

    def test_all_waits_of_a_call_together_stay_within_max_wait(self) -> None:
        replies: list[Reply] = [denial(retry_after_ms=2000)] * 100
        sends, pauses, error = play(self.admission("wait", max_wait=7.0), replies)
        self.assertIsInstance(error, Denied)
        self.assertTrue(6.0 <= sum(pauses) <= 7.0, pauses)
        self.assertEqual(len(sends), len(pauses) + 1)

    def test_a_wait_of_milliseconds_is_not_a_busy_loop(self) -> None:
        _, pauses, _ = play(self.admission("wait"), [denial(retry_after_ms=1), allow(REQUEST)])
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
                sends, pauses, error = play(self.admission("wait"), [response])
                self.assertEqual((len(sends), pauses), (1, []))
                self.assertIsInstance(error, Denied)

    def test_only_wait_waits(self) -> None:
        modes: tuple[OnDenied, ...] = ("raise", "tell")
        for mode in modes:
            sends, pauses, error = play(self.admission(mode), [denial(retry_after_ms=10)])
            self.assertEqual((len(sends), pauses), (1, []))
            self.assertIsInstance(error, Denied)


class Unheard(Asking):
    """Whoever is not told that the call may go on keeps no hold."""

    def test_a_denial_because_nobody_answered_gives_the_call_back(self) -> None:
        logging.getLogger("tollgate").disabled = True
        self.addCleanup(setattr, logging.getLogger("tollgate"), "disabled", False)
        cases: tuple[tuple[list[Reply], list[str]], ...] = (
            ([LATE, AWAY, AWAY], ["c1"]),
            ([LATE, LATE, denial(degraded=True, degraded_reason="timeout")], ["c1"]),
            # Nobody can have read it; and whoever has, holds nothing for it.
            ([AWAY, AWAY, AWAY], []),
            ([LATE, denial()], []),
        )
        for replies, released in cases:
            with self.subTest(replies):
                self.told.clear()
                error = play(self.admission(), replies)[2]
                self.assertIsInstance(error, Denied)
                self.assertEqual(self.released(), released)

    def test_a_wait_over_an_outage_goes_on_under_new_ids(self) -> None:
        with self.assertLogs("tollgate"):
            sends, _, (request, _) = play(
                self.admission("wait"), [LATE, LATE, LATE, LATE, allow(REQUEST)]
            )
        ids = [send.request.call_id for send in sends]
        self.assertEqual(ids[:3], ["c1"] * 3)
        self.assertEqual(len(set(ids)), 3)
        self.assertEqual(self.released(), [ids[0], ids[3]])
        self.assertEqual(request.call_id, ids[4])
        self.assertEqual(request.agent_id, REQUEST.agent_id)

    def test_an_id_that_the_caller_gave_stays_until_it_is_finished(self) -> None:
        finished = Failure("ALREADY_EXISTS", "finished")
        with self.assertLogs("tollgate"):
            sends, _, error = play(self.admission("wait", own_id=True), [LATE] * 3 + [finished])
        self.assertEqual({send.request.call_id for send in sends}, {"c1"})
        self.assertIsInstance(error, Denied)
        self.assertEqual(error.decision.degraded_reason, "unanswered")
        self.assertEqual(self.released(), ["c1"])

    def test_an_interruption_gives_the_call_back(self) -> None:
        for step in (0, 1):  # While it is sent, and in the pause after it.
            self.told.clear()
            steps = self.admission()
            next(steps)
            if step:
                steps.send(LATE)
            with self.assertRaises(KeyboardInterrupt):
                steps.throw(KeyboardInterrupt())
            self.assertEqual(self.released(), ["c1"])


class FailureModes(Asking):
    def test_decide_only_when_nobody_answered(self) -> None:
        with self.assertLogs("tollgate"):
            _, _, (_, allowed) = play(self.admission(failure_mode="allow"), [AWAY] * 3)
            _, _, denied = play(self.admission(failure_mode="deny"), [LATE] * 3)
        self.assertEqual((allowed.allowed, allowed.degraded_reason), (True, "unreachable"))
        self.assertEqual(denied.decision.degraded_reason, "unanswered")

    def test_never_turn_a_refused_request_into_an_allowed_one(self) -> None:
        for code in ("INVALID_ARGUMENT", "ALREADY_EXISTS", "PERMISSION_DENIED", "UNIMPLEMENTED"):
            with self.subTest(code):
                _, _, error = play(self.admission(failure_mode="allow"), [Failure(code, "bad")])
                self.assertIsInstance(error, CallError)
                self.assertEqual((error.code, error.details, error.call_id), (code, "bad", "c1"))

    def test_a_verdict_that_this_client_does_not_know_is_a_denial(self) -> None:
        response = api.AuthorizeResponse(call_id="c1")
        _, _, error = play(self.admission(failure_mode="allow"), [response])
        self.assertIsInstance(error, Denied)


if __name__ == "__main__":
    unittest.main()
