"""miro-edge: a research agent that runs on a laptop with the network cable out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_agent.agent import Agent, AgentSettings
    from edge_agent.index import Library

__version__ = "0.1.0"
__all__ = ["Agent", "AgentSettings", "Library", "__version__"]


def __getattr__(name: str) -> Any:
    """Import what is asked for now: `miro-edge --help` needs neither an agent nor a library."""
    if name in ("Agent", "AgentSettings"):
        from edge_agent import agent

        return getattr(agent, name)
    if name == "Library":
        from edge_agent.index import Library

        return Library
    raise AttributeError(f"module 'edge_agent' has no attribute '{name}'")
