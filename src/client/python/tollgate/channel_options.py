"""How gRPC is to behave between an agent and the sidecar beside it, and how it says that it failed."""

import re
from typing import Any

from .steps import Failure

CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    # A repeat is ask()'s to decide: it counts as one of three.
    ("grpc.enable_retries", 0),
    # A proxy in the environment is for the internet, not for the loopback.
    ("grpc.enable_http_proxy", 0),
    # A sidecar that restarts is found again within a second, not within gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Channels of their own: one that is closed, or that a fork left behind, takes no other along.
    ("grpc.use_local_subchannel_pool", 1),
)


def open_channel(module: Any, target: str, credentials: Any) -> Any:
    """A channel of grpc or of grpc.aio; without credentials, a plain one."""
    if credentials is None:
        return module.insecure_channel(target, options=CHANNEL_OPTIONS)
    return module.secure_channel(target, credentials, options=CHANNEL_OPTIONS)


# How gRPC words it when there was no connection to send on.
_NOT_SENT = re.compile("failed to connect to all addresses|DNS resolution failed|errors resolving")


def failure(error: Any) -> Failure:
    """What a grpc.RpcError says."""
    details = error.details() or ""
    return Failure(error.code().name, details, sent=not _NOT_SENT.search(details))
