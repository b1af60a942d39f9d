"""The outside peer: smolagents' ToolCallingAgent, in its own environment and with its own prompts.

Reads a question a line and writes what comes of it, as JSON; searches are asked for in between:

    <- {"question": "…", "max_steps": 8}
    -> {"search": "…"}
    <- {"text": "…"}
    -> {"answer": "…", "steps": 3, "unreadable": 1, "limit": false,
        "prompt": 4000, "generated": 90, "error": ""}

    .venv-peer/bin/python scripts/bench/peer/smolagents_agent.py \\
        ADDRESS MODEL MAX_TOKENS INSTRUCTIONS
"""

from __future__ import annotations

import json
import sys
from typing import Any

from smolagents import (
    AgentError,
    AgentMaxStepsError,
    AgentParsingError,
    LogLevel,
    OpenAIServerModel,
    Tool,
    ToolCallingAgent,
)

# What this program and its libraries print must not come between the lines.
OUT, sys.stdout = sys.stdout, sys.stderr
NO_ANSWER = "Error in generating final LLM output"
"""How smolagents begins the answer of a run whose last message could not be made."""


def say(**told: Any) -> None:
    """Write a line."""
    OUT.write(json.dumps(told) + "\n")
    OUT.flush()


def hear() -> dict[str, Any]:
    """Read a line, or end where there is none."""
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    heard: dict[str, Any] = json.loads(line)
    return heard


class Retriever(Tool):  # type: ignore[misc]
    """Searches the library of whoever started this."""

    name = "retriever"
    description = "Searches a library of documents and returns the passages that match best."
    inputs = {"query": {"type": "string", "description": "What to look for, in a few words."}}  # noqa: RUF012
    output_type = "string"

    def forward(self, query: str) -> str:
        """Return passages."""
        say(search=query)
        return str(hear()["text"])


def answered(agent: ToolCallingAgent, question: str, max_steps: int) -> dict[str, Any]:
    """Answer a question; what goes wrong is told."""
    answer: str | None = None
    error = ""
    try:
        answer = str(agent.run(question, max_steps=max_steps))
    except AgentError as failure:
        error = failure.message
    except Exception as failure:  # of this peer or its libraries: a wrong answer like any other
        error = f"{type(failure).__name__}: {failure}"
    if answer is not None and answer.startswith(NO_ANSWER):
        error, answer = answer, None
    steps = [step for step in agent.memory.steps if hasattr(step, "step_number")]
    used = agent.monitor.get_total_token_counts()
    return {
        "answer": answer,
        "steps": len(steps),
        "unreadable": sum(isinstance(step.error, AgentParsingError) for step in steps),
        "limit": any(isinstance(step.error, AgentMaxStepsError) for step in steps),
        "prompt": used.input_tokens,
        "generated": used.output_tokens,
        "error": error,
    }


def main(address: str, model_name: str, max_tokens: int, instructions: str) -> None:
    """Answer questions until there are none."""
    model = OpenAIServerModel(
        model_name,
        address,
        "none",
        flatten_messages_as_text=True,  # llama_cpp.server takes no lists of parts
        temperature=0.0,
        max_tokens=max_tokens,
    )
    while True:
        asked = hear()
        # Its searches go through one pair of pipes, one at a time.
        agent = ToolCallingAgent(
            [Retriever()],
            model,
            instructions=instructions,
            max_tool_threads=1,
            verbosity_level=LogLevel.OFF,
        )
        say(**answered(agent, asked["question"], asked["max_steps"]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
