"""Who makes the calls."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """The identity that every request carries; text of at most 256 bytes each.

    Empty is absent: a sidecar that pins its pod's identity fills it in, and refuses another.
    """

    agent: str
    team: str
    cost_centre: str
    instance: str


def identity(
    agent: str | None, team: str | None, cost_centre: str | None, instance: str | None
) -> Identity:
    """What is None comes from the environment that a pod's manifest sets."""
    return Identity(
        agent=_given(agent, "TOLLGATE_AGENT_ID"),
        team=_given(team, "TOLLGATE_TEAM_ID"),
        cost_centre=_given(cost_centre, "TOLLGATE_COST_CENTRE"),
        instance=_given(instance, "TOLLGATE_INSTANCE"),
    )


def _given(value: str | None, variable: str) -> str:
    return os.environ.get(variable, "") if value is None else value
