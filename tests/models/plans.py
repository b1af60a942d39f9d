"""Plans of turns for tests: fixed steps, whatever is written."""

from __future__ import annotations

from edge_agent.models import Plan


def one(*steps: object) -> Plan:
    """Plan one turn of these steps."""
    for step in steps:  # noqa: UP028 - a plan is sent the text of each step
        yield step  # type: ignore[misc]
