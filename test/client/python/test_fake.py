"""fake_gate() and off: gates for unit tests."""

import unittest
from unittest import mock

import tollgate


class Fake(unittest.TestCase):
    def test_keeps_what_it_was_asked_and_told(self) -> None:
        gate = tollgate.fake_gate()
        with gate.call(model="gpt-4o") as grant:
            grant.used(tokens_in=3)
        with gate.call(tool="t") as second:
            second.release("cached")
        self.assertEqual([call.model or call.tool for call in gate.calls], ["gpt-4o", "t"])
        (settled,) = gate.settlements
        self.assertEqual((settled.model, settled.tokens_in), ("gpt-4o", 3))
        self.assertEqual(gate.releases[0].why, "cached")

    def test_denies_what_it_is_told_to_until_it_allows_again(self) -> None:
        gate = tollgate.fake_gate()
        gate.deny(lambda call: call.model == "dear", rule="budget", reason="too dear")
        with self.assertRaises(tollgate.Denied) as raised, gate.call(model="dear"):
            self.fail("it ran")
        self.assertEqual((raised.exception.rule, raised.exception.reason), ("budget", "too dear"))
        with gate.call(model="cheap"):
            pass
        gate.allow()
        with gate.call(model="dear"):
            pass
        self.assertEqual(len(gate.settlements), 2)

    def test_goes_away(self) -> None:
        denying, allowing = tollgate.fake_gate(), tollgate.fake_gate(failure_mode="allow")
        for gate in (denying, allowing):
            gate.go_away()
        with self.assertLogs("tollgate"), allowing.call(tool="t") as grant:
            self.assertTrue(grant.degraded)
        with self.assertLogs("tollgate"), self.assertRaises(tollgate.Denied):
            with denying.call(tool="t"):
                self.fail("it ran")


class Off(unittest.IsolatedAsyncioTestCase):
    async def test_allows_everything_and_says_so(self) -> None:
        with mock.patch.dict("os.environ", {"TOLLGATE_ADDRESS": "off"}):
            with self.assertLogs("tollgate", "WARNING"):
                gate = tollgate.connect()
        with mock.patch("grpc.insecure_channel") as opened, mock.patch("grpc.aio.insecure_channel"):
            with gate, gate.call(tool="t") as grant:
                grant.used(cost=1)
            async with gate, gate.call(tool="t") as second:
                second.release()
            opened.assert_not_called()
        self.assertTrue(grant.decision.allowed and second.decision.allowed)
        self.assertFalse(grant.degraded)


if __name__ == "__main__":
    unittest.main()
