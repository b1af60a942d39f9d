"""The toolbox of a run: which tools its model may call, by server and name."""

from __future__ import annotations

from collections.abc import Iterable

from edge_agent.errors import ToolboxError
from edge_agent.protocol import ToolCall, ToolSignature
from edge_agent.tools.base import Tool, ToolError


class Toolbox:
    """The tools that a profile comes with, and more that were chosen for the run."""

    def __init__(self, own: Iterable[Tool], more: Iterable[Tool] = ()) -> None:
        """Hold the tools. Raises ToolboxError where two have the same server and name."""
        own, more = tuple(own), tuple(more)
        self._tools = {_place(tool.signature): tool for tool in (*own, *more)}
        if len(self._tools) < len(own) + len(more):
            names = sorted(f"{tool.signature.server}/{tool.signature.name}" for tool in more)
            raise ToolboxError(
                f"Two tools of this run have the same server and name, among: {', '.join(names)}. "
                "Choose each of them once, and give servers names of their own."
            )
        self.more = tuple(tool.signature for tool in more)
        """The signatures of those that were chosen for the run."""

    @property
    def signatures(self) -> tuple[ToolSignature, ...]:
        """What the model is told about all of them."""
        return tuple(tool.signature for tool in self._tools.values())

    def tool(self, call: ToolCall) -> Tool:
        """Return the tool that a call is for. Raises ToolError, for the model to read."""
        try:
            return self._tools[call.server, call.tool]
        except KeyError:
            raise ToolError(f"there is no tool '{call.tool}'") from None


def _place(signature: ToolSignature) -> tuple[str, str]:
    return signature.server, signature.name
