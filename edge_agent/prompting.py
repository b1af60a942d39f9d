"""What a run begins with: the system prompt with its tools, and the question."""

from __future__ import annotations

from datetime import date

from edge_agent.profiles import Profile
from edge_agent.protocol import render_tools, render_trained_tools
from edge_agent.tools import Toolbox


def system_prompt(profile: Profile, toolbox: Toolbox) -> str:
    """Return the system prompt for gathering evidence with these tools."""
    tools = toolbox.signatures
    prompt = profile.prompts.system.format(
        tools=render_tools(tools), trained_tools=render_trained_tools(tools)
    )
    if toolbox.more:
        more = profile.prompts.more_tools.format(tools=render_tools(toolbox.more))
        examples = (
            profile.prompts.tool_examples[tool.name]
            for tool in toolbox.more
            if tool.name in profile.prompts.tool_examples
        )
        prompt = "\n".join([prompt.strip(), more, *examples])
    return prompt.strip()


def question_prompt(profile: Profile, question: str) -> str:
    """Return the question as the model sees it, with the date of today where the profile has it.

    The date stands here, and not in the system prompt, whose decoded form is kept on disk.
    """
    return profile.prompts.question.format(question=question, date=date.today().isoformat()).strip()
