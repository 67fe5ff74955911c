from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

ACTION_ALERT: Action
ACTION_BLOCK: Action
ACTION_HALT: Action
ACTION_SHADOW: Action
ACTION_UNSPECIFIED: Action
CALL_STATE_HELD: CallState
CALL_STATE_RELEASED: CallState
CALL_STATE_SETTLED: CallState
CALL_STATE_UNAUTHORIZED: CallState
CALL_STATE_UNHELD: CallState
CALL_STATE_UNSPECIFIED: CallState
COST_SOURCE_ASSUMED: CostSource
COST_SOURCE_CALLER: CostSource
COST_SOURCE_HELD: CostSource
COST_SOURCE_NONE: CostSource
COST_SOURCE_POLICY: CostSource
COST_SOURCE_TABLE: CostSource
COST_SOURCE_TOOL: CostSource
COST_SOURCE_UNSPECIFIED: CostSource
DESCRIPTOR: _descriptor.FileDescriptor
METRIC_CALLS: Metric
METRIC_ESTIMATED_COST_USD: Metric
METRIC_TOKENS: Metric
METRIC_TOKENS_IN: Metric
METRIC_TOKENS_OUT: Metric
METRIC_UNSPECIFIED: Metric
OUTCOME_CANCELLED: Outcome
OUTCOME_ERROR: Outcome
OUTCOME_OK: Outcome
OUTCOME_UNSPECIFIED: Outcome
VERDICT_ALLOW: Verdict
VERDICT_DENY: Verdict
VERDICT_UNSPECIFIED: Verdict

class Amounts(_message.Message):
    __slots__ = ["cost_source", "cost_usd", "tokens_in", "tokens_out"]
    COST_SOURCE_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    TOKENS_IN_FIELD_NUMBER: _ClassVar[int]
    TOKENS_OUT_FIELD_NUMBER: _ClassVar[int]
    cost_source: CostSource
    cost_usd: float
    tokens_in: int
    tokens_out: int
    def __init__(self, cost_usd: _Optional[float] = ..., cost_source: _Optional[_Union[CostSource, str]] = ..., tokens_in: _Optional[int] = ..., tokens_out: _Optional[int] = ...) -> None: ...

class AuthorizeRequest(_message.Message):
    __slots__ = ["agent_id", "call_id", "cost_centre", "estimated_cost", "final", "fingerprint", "input_bytes", "instance", "labels", "max_tokens_out", "model", "operation", "parent", "parent_call_id", "provider", "run_id", "team_id", "timestamp", "tokens_in", "tokens_out", "tool"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    COST_CENTRE_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_COST_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    INPUT_BYTES_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_OUT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    PARENT_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TEAM_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    TOKENS_IN_FIELD_NUMBER: _ClassVar[int]
    TOKENS_OUT_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    call_id: str
    cost_centre: str
    estimated_cost: float
    final: bool
    fingerprint: str
    input_bytes: int
    instance: str
    labels: _containers.ScalarMap[str, str]
    max_tokens_out: int
    model: str
    operation: str
    parent: str
    parent_call_id: str
    provider: str
    run_id: str
    team_id: str
    timestamp: _timestamp_pb2.Timestamp
    tokens_in: int
    tokens_out: int
    tool: str
    def __init__(self, call_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., team_id: _Optional[str] = ..., cost_centre: _Optional[str] = ..., instance: _Optional[str] = ..., tool: _Optional[str] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., operation: _Optional[str] = ..., run_id: _Optional[str] = ..., parent: _Optional[str] = ..., parent_call_id: _Optional[str] = ..., fingerprint: _Optional[str] = ..., tokens_in: _Optional[int] = ..., tokens_out: _Optional[int] = ..., max_tokens_out: _Optional[int] = ..., estimated_cost: _Optional[float] = ..., final: bool = ..., timestamp: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., input_bytes: _Optional[int] = ...) -> None: ...

class AuthorizeResponse(_message.Message):
    __slots__ = ["affordable_cost_usd", "affordable_tokens_out", "amounts", "call_id", "decided_at_us", "degraded", "degraded_reason", "halt", "lineage", "never_fits", "policy_hash", "reason", "repeat", "retry_after_ms", "rules", "unmatched", "verdict"]
    AFFORDABLE_COST_USD_FIELD_NUMBER: _ClassVar[int]
    AFFORDABLE_TOKENS_OUT_FIELD_NUMBER: _ClassVar[int]
    AMOUNTS_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_US_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_REASON_FIELD_NUMBER: _ClassVar[int]
    HALT_FIELD_NUMBER: _ClassVar[int]
    LINEAGE_FIELD_NUMBER: _ClassVar[int]
    NEVER_FITS_FIELD_NUMBER: _ClassVar[int]
    POLICY_HASH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REPEAT_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    UNMATCHED_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    affordable_cost_usd: float
    affordable_tokens_out: int
    amounts: Amounts
    call_id: str
    decided_at_us: int
    degraded: bool
    degraded_reason: str
    halt: Halt
    lineage: str
    never_fits: bool
    policy_hash: str
    reason: str
    repeat: int
    retry_after_ms: int
    rules: _containers.RepeatedCompositeFieldContainer[RuleStatus]
    unmatched: bool
    verdict: Verdict
    def __init__(self, verdict: _Optional[_Union[Verdict, str]] = ..., call_id: _Optional[str] = ..., decided_at_us: _Optional[int] = ..., reason: _Optional[str] = ..., rules: _Optional[_Iterable[_Union[RuleStatus, _Mapping]]] = ..., amounts: _Optional[_Union[Amounts, _Mapping]] = ..., retry_after_ms: _Optional[int] = ..., never_fits: bool = ..., affordable_cost_usd: _Optional[float] = ..., affordable_tokens_out: _Optional[int] = ..., degraded: bool = ..., degraded_reason: _Optional[str] = ..., repeat: _Optional[int] = ..., unmatched: bool = ..., policy_hash: _Optional[str] = ..., lineage: _Optional[str] = ..., halt: _Optional[_Union[Halt, _Mapping]] = ...) -> None: ...

class Halt(_message.Message):
    __slots__ = ["agent_id", "by", "rule_id", "since_us", "until_us", "why"]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    by: str
    rule_id: str
    since_us: int
    until_us: int
    why: str
    def __init__(self, agent_id: _Optional[str] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ..., rule_id: _Optional[str] = ..., by: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class InspectRequest(_message.Message):
    __slots__ = ["call"]
    CALL_FIELD_NUMBER: _ClassVar[int]
    call: AuthorizeRequest
    def __init__(self, call: _Optional[_Union[AuthorizeRequest, _Mapping]] = ...) -> None: ...

class InspectResponse(_message.Message):
    __slots__ = ["decision"]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: AuthorizeResponse
    def __init__(self, decision: _Optional[_Union[AuthorizeResponse, _Mapping]] = ...) -> None: ...

class ReleaseRequest(_message.Message):
    __slots__ = ["agent_id", "call_id", "cost_centre", "instance", "team_id", "why"]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    COST_CENTRE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    TEAM_ID_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    call_id: str
    cost_centre: str
    instance: str
    team_id: str
    why: str
    def __init__(self, call_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., team_id: _Optional[str] = ..., cost_centre: _Optional[str] = ..., instance: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class ReleaseResponse(_message.Message):
    __slots__ = ["call_id", "degraded_reason", "pending", "released", "repeat", "state"]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_REASON_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    REPEAT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    degraded_reason: str
    pending: bool
    released: Amounts
    repeat: bool
    state: CallState
    def __init__(self, call_id: _Optional[str] = ..., state: _Optional[_Union[CallState, str]] = ..., released: _Optional[_Union[Amounts, _Mapping]] = ..., repeat: bool = ..., pending: bool = ..., degraded_reason: _Optional[str] = ...) -> None: ...

class RuleStatus(_message.Message):
    __slots__ = ["action", "calendar", "denied", "granted", "limit", "metric", "near_limit", "never_fits", "partition", "raised", "remaining", "reset_after_ms", "retry_after_ms", "rule_id", "shadow_denied", "used", "window_seconds"]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_FIELD_NUMBER: _ClassVar[int]
    DENIED_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    NEAR_LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEVER_FITS_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    RAISED_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    RESET_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    SHADOW_DENIED_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    WINDOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    action: Action
    calendar: str
    denied: bool
    granted: float
    limit: float
    metric: Metric
    near_limit: bool
    never_fits: bool
    partition: str
    raised: _containers.RepeatedScalarFieldContainer[float]
    remaining: float
    reset_after_ms: int
    retry_after_ms: int
    rule_id: str
    shadow_denied: bool
    used: float
    window_seconds: int
    def __init__(self, rule_id: _Optional[str] = ..., action: _Optional[_Union[Action, str]] = ..., partition: _Optional[str] = ..., metric: _Optional[_Union[Metric, str]] = ..., limit: _Optional[float] = ..., window_seconds: _Optional[int] = ..., used: _Optional[float] = ..., remaining: _Optional[float] = ..., denied: bool = ..., shadow_denied: bool = ..., near_limit: bool = ..., retry_after_ms: _Optional[int] = ..., never_fits: bool = ..., reset_after_ms: _Optional[int] = ..., raised: _Optional[_Iterable[float]] = ..., calendar: _Optional[str] = ..., granted: _Optional[float] = ...) -> None: ...

class SettleRequest(_message.Message):
    __slots__ = ["agent_id", "cache_write_tokens_in", "cached_tokens_in", "call", "call_id", "cost", "cost_centre", "instance", "model", "outcome", "provider", "team_id", "tokens_in", "tokens_out", "usage_json"]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_IN_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_IN_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    COST_CENTRE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    TEAM_ID_FIELD_NUMBER: _ClassVar[int]
    TOKENS_IN_FIELD_NUMBER: _ClassVar[int]
    TOKENS_OUT_FIELD_NUMBER: _ClassVar[int]
    USAGE_JSON_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    cache_write_tokens_in: int
    cached_tokens_in: int
    call: AuthorizeRequest
    call_id: str
    cost: float
    cost_centre: str
    instance: str
    model: str
    outcome: Outcome
    provider: str
    team_id: str
    tokens_in: int
    tokens_out: int
    usage_json: str
    def __init__(self, call_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., team_id: _Optional[str] = ..., cost_centre: _Optional[str] = ..., instance: _Optional[str] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., tokens_in: _Optional[int] = ..., tokens_out: _Optional[int] = ..., cached_tokens_in: _Optional[int] = ..., cache_write_tokens_in: _Optional[int] = ..., cost: _Optional[float] = ..., usage_json: _Optional[str] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., call: _Optional[_Union[AuthorizeRequest, _Mapping]] = ...) -> None: ...

class SettleResponse(_message.Message):
    __slots__ = ["call_id", "degraded_reason", "held", "late", "overage_tokens", "overage_usd", "pending", "repeat", "settled", "settled_at_us", "state", "usage_problem"]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_REASON_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    OVERAGE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OVERAGE_USD_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    REPEAT_FIELD_NUMBER: _ClassVar[int]
    SETTLED_AT_US_FIELD_NUMBER: _ClassVar[int]
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    USAGE_PROBLEM_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    degraded_reason: str
    held: Amounts
    late: bool
    overage_tokens: int
    overage_usd: float
    pending: bool
    repeat: bool
    settled: Amounts
    settled_at_us: int
    state: CallState
    usage_problem: str
    def __init__(self, call_id: _Optional[str] = ..., state: _Optional[_Union[CallState, str]] = ..., settled: _Optional[_Union[Amounts, _Mapping]] = ..., held: _Optional[_Union[Amounts, _Mapping]] = ..., overage_usd: _Optional[float] = ..., overage_tokens: _Optional[int] = ..., settled_at_us: _Optional[int] = ..., repeat: bool = ..., late: bool = ..., pending: bool = ..., degraded_reason: _Optional[str] = ..., usage_problem: _Optional[str] = ...) -> None: ...

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class CallState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Metric(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class CostSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
