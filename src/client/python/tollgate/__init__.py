"""Tollgate for agents in Python: ask before each LLM or tool call, settle afterwards.

gate = tollgate.connect()
with gate.call(model="gpt-4o", max_tokens_out=500) as grant:
    response = client.chat.completions.create(...)
    grant.used(response)
"""

from .call import Call
from .decision import Amounts, Decision, Halt, RuleStatus
from .errors import CallError, Denied, TollgateError
from .fake import FakeGate, fake_gate
from .gate import Gate, connect
from .grant import Grant
from .options import FailureMode, OnDenied

__all__ = [
    "Amounts",
    "Call",
    "CallError",
    "Decision",
    "Denied",
    "FailureMode",
    "FakeGate",
    "Gate",
    "Grant",
    "Halt",
    "OnDenied",
    "RuleStatus",
    "TollgateError",
    "connect",
    "fake_gate",
]
