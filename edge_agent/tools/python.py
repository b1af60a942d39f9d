"""The `python` tool: arithmetic, dates, counting; what it comes to is evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from edge_agent.checking.computations import ORIGIN, computation
from edge_agent.tools.base import ToolContext, ToolResult, as_evidence, signature
from edge_agent.tools.sandbox import Ran, run_code

NAME = "python"

_ARGUMENT_TOKENS = 160
_MOST_OUTPUT = 0.5
"""Share of a result's tokens that the output may take; the code before it wants room, too."""
_LONGEST_TOKEN = 16
"""Characters; what is longer is rare enough."""
_NOTHING = "It ran, and showed nothing. To see a value, make it the last line."


class PythonArguments(BaseModel):
    """Run Python: arithmetic, dates, counting. Answers with the value of the last line."""

    code: str = Field(
        min_length=1, description="code; `passages` has the texts that were found, by number"
    )


class Python:
    """Runs code in a sandbox; the calls of a run share their variables."""

    signature = replace(
        signature(
            "python",
            NAME,
            PythonArguments,
            slips={
                "code_block": "code",
                "source": "code",
                "script": "code",
                "expression": "code",
                "query": "code",
            },
            also_called=("run_python_code", "run_python", "run_code", "calculator", "calculate"),
        ),
        argument_tokens=_ARGUMENT_TOKENS,
    )

    def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Show what code comes to, and keep it as evidence. Raises ToolError, ValidationError."""
        code = PythonArguments(**arguments).code
        earlier = [PythonArguments(**call.arguments).code for call in context.earlier]
        return evidence_of(code, earlier, run_code(code, earlier, context), context)


def evidence_of(code: str, earlier: list[str], ran: Ran, context: ToolContext) -> ToolResult:
    """Show what code came to as evidence; where it came to nothing there is none."""
    output = fitting(ran.output, context)
    if not output:
        return ToolResult(_NOTHING)
    passage = computation(code, output, earlier)
    return as_evidence(ORIGIN, [passage], output, context)


def fitting(output: str, context: ToolContext, share: float = _MOST_OUTPUT) -> str:
    """Return as much of the output as may be shown: so large a share of a result's tokens."""
    room = max(1, int(context.tokens * share))
    cut = output[: room * _LONGEST_TOKEN]  # megabytes would take minutes to count
    while (tokens := context.count(cut)) > room:
        cut = cut[: min(len(cut) - 1, len(cut) * room // tokens)]
    return cut if cut == output else f"{cut}… (too long to show)"
