"""`run_python_code`, as MiroThinker models know it, with the sandbox of this machine behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from edge_agent.protocol import ToolSignature
from edge_agent.tools.base import ToolContext, ToolResult
from edge_agent.tools.python import evidence_of, fitting
from edge_agent.tools.sandbox import Ran, run_code

_ARGUMENT_TOKENS = 512
_OF_EACH = 0.25
"""Share of a result's tokens that what is printed may take, and the value: both are escaped."""
# Indented like a docstring that nobody has cleaned: so the models know it.
_DESCRIPTION = """
    Run Python code, and return what came of it.

    Only the standard library is there, and not all of it; no files, no network, no packages. Later calls know the variables of earlier ones.

    Args:
        code_block: The code; the dictionary `passages` has the texts that were found so far
        sandbox_id: Of no effect here: there is one sandbox, which need not be created

    Returns:
        What it printed, and the value of its last line.
    """  # noqa: E501


class RunPythonCodeArguments(BaseModel):
    """The arguments that the models were trained with; the sandbox has no effect.

    Raises pydantic's ValidationError.
    """

    code_block: str = Field(min_length=1)


class RunPythonCode:
    """Runs code, and answers in the shape that the models know."""

    signature: ClassVar = ToolSignature(
        "tool-python",
        "run_python_code",
        _DESCRIPTION,
        {
            "properties": {
                "code_block": {"title": "Code Block", "type": "string"},
                "sandbox_id": {"default": None, "title": "Sandbox Id", "type": "string"},
            },
            "required": ["code_block"],
            "title": "run_python_codeArguments",
            "type": "object",
        },
        slips={"code": "code_block", "python_code": "code_block", "script": "code_block"},
        also_called=("python", "run_python", "run_code", "execute_python_code"),
        argument_tokens=_ARGUMENT_TOKENS,
    )

    def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Show what code comes to, and keep it as evidence. Raises ToolError, ValidationError."""
        code = RunPythonCodeArguments(**arguments).code_block
        earlier = [RunPythonCodeArguments(**call.arguments).code_block for call in context.earlier]
        ran = run_code(code, earlier, context)
        shown = Ran(
            fitting(ran.printed, context, _OF_EACH),
            None if ran.value is None else fitting(ran.value, context, _OF_EACH),
        )
        return replace(evidence_of(code, earlier, ran, context), text=_rendered(shown))


def _rendered(ran: Ran) -> str:
    """Return what came of code as the interpreter writes it that the models were trained with."""
    results = "" if ran.value is None else f"Result({ran.value})"
    logs = f"Logs(stdout: {[ran.printed] if ran.printed else []}, stderr: [])"
    return f"Execution(Results: [{results}], Logs: {logs}, Error: None)"
