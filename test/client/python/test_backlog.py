"""What is told of calls that are over: the test plays the sidecar."""

import unittest
from collections.abc import Callable

from tollgate.backlog import DEFECTS, MOST, Backlog
from tollgate.contact import Contact
from tollgate.steps import Failure, Reply, Send
from tollgate.transport import Immediate
from tollgate.v1 import tollgate_pb2 as api

AWAY = Failure("UNAVAILABLE", "connection refused", sent=False)
OK = api.SettleResponse()


class Telling(unittest.TestCase):
    def setUp(self) -> None:
        self.told: list[str] = []
        self.answer: Callable[[str], Reply] = lambda _call_id: OK
        self.backlog = Backlog(Immediate(self.tell), 0.25, Contact("x:1", "calls are denied"))

    def tell(self, send: Send) -> Reply:
        self.told.append(send.request.call_id)
        return self.answer(send.request.call_id)

    def keep(self, call_id: str) -> None:
        self.backlog.keep("Settle", api.SettleRequest(call_id=call_id, tokens_in=7))

    def test_what_nobody_answered_is_kept_and_told_later(self) -> None:
        self.answer = lambda _call_id: AWAY
        for call_id in ("c1", "c2"):
            self.keep(call_id)
        self.assertEqual(len(self.backlog), 2)
        self.answer = lambda _call_id: OK
        self.told.clear()
        self.keep("c3")
        self.assertEqual(sorted(self.told), ["c1", "c2", "c3"])
        self.assertEqual(len(self.backlog), 0)

    def test_contact_is_lost_after_a_few_tries_and_found_again(self) -> None:
        self.answer = lambda _call_id: AWAY
        with self.assertNoLogs("tollgate"):
            self.keep("c1")
            self.keep("c2")
        with self.assertLogs("tollgate", "WARNING") as logs:
            self.keep("c3")
            self.answer = lambda _call_id: OK
            self.keep("c4")
        self.assertEqual(len(logs.output), 2, logs.output)
        self.assertIn("no sidecar answers at x:1", logs.output[0])

    def test_what_is_refused_is_logged_with_what_it_used_and_not_kept(self) -> None:
        self.answer = lambda _call_id: Failure("INVALID_ARGUMENT", "cost: too large")
        with self.assertLogs("tollgate", "WARNING") as logs:
            self.keep("c1")
        self.assertIn("call c1 is lost: INVALID_ARGUMENT: cost: too large", logs.output[0])
        self.assertIn("tokens_in=7", logs.output[0])
        self.assertEqual(len(self.backlog), 0)

    def test_one_that_brings_on_a_defect_does_not_stop_the_others(self) -> None:
        defect = Failure("INTERNAL", "a bug")
        self.answer = lambda call_id: defect if call_id == "bad" else OK
        for call_id in ("bad", "c1", "c2", "c3"):
            self.keep(call_id)
        self.assertEqual({"c1", "c2"} - set(self.told), set())
        with self.assertLogs("tollgate", "WARNING") as logs:
            for number in range(DEFECTS):
                self.keep(f"d{number}")
        self.assertEqual(self.told.count("bad"), DEFECTS)
        self.assertIn("call bad is lost: INTERNAL: a bug", logs.output[0])

    def test_a_settlement_that_the_sidecar_keeps_is_told(self) -> None:
        self.answer = lambda _call_id: api.SettleResponse(pending=True, degraded_reason="timeout")
        with self.assertNoLogs("tollgate"):
            self.keep("c1")
        self.assertEqual(len(self.backlog), 0)

    def test_usage_that_the_sidecar_could_not_read_is_logged(self) -> None:
        self.answer = lambda _call_id: api.SettleResponse(usage_problem="foo is no usage")
        with self.assertLogs("tollgate", "WARNING") as logs:
            self.keep("c1")
        self.assertIn("c1", logs.output[0])
        self.assertIn("foo is no usage", logs.output[0])

    def test_it_is_bounded_and_says_what_it_loses(self) -> None:
        self.answer = lambda _call_id: AWAY
        with self.assertLogs("tollgate", "WARNING") as logs:
            for number in range(MOST + 1):
                self.keep(f"c{number}")
        self.assertEqual(len(self.backlog), MOST)
        self.assertIn("is lost: too many wait", logs.output[-1])

    def test_closing_says_how_much_is_left(self) -> None:
        self.answer = lambda _call_id: AWAY
        self.keep("c1")
        with self.assertLogs("tollgate", "WARNING") as logs:
            self.assertEqual(self.backlog.flush(0), 1)
        self.assertIn("1 calls are still to be settled", logs.output[0])

    def test_an_interruption_loses_nothing(self) -> None:
        def interrupt(_call_id: str) -> Reply:
            raise KeyboardInterrupt

        self.answer = interrupt
        with self.assertRaises(KeyboardInterrupt):
            self.keep("c1")
        self.answer = lambda _call_id: OK
        self.assertEqual(self.backlog.flush(1), 0)
        self.assertEqual(self.told, ["c1", "c1"])


if __name__ == "__main__":
    unittest.main()
