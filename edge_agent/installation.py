"""What is installed: extras are packages that not every set-up has."""

from __future__ import annotations

from importlib.util import find_spec

from edge_agent.errors import AgentError

EXTRAS: dict[str, tuple[str, ...]] = {
    "cluster": ("ray",),
    "mcp": ("mcp", "mcp_types", "starlette", "uvicorn"),
    "office": ("docx", "openpyxl", "pptx"),
    "python": ("pydantic_monty",),
    "serve": ("aiohttp", "textual_serve"),
    "web": ("ddgs", "protego"),
    "zim": ("libzim",),
}
"""The extras of the program, and the modules that are there where they are."""


def has_extra(name: str) -> bool:
    """Tell whether an extra of the program is installed."""
    return all(find_spec(module) is not None for module in EXTRAS[name])


def require_extra(name: str, subject: str, error: type[AgentError], remark: str = "") -> None:
    """Raise `error`, which says how to get an extra, where it is not installed.

    `subject` begins the sentence, with its verb: what needs the extra. A remark may end it all.
    """
    if not has_extra(name):
        raise error(
            f"{subject} the {name} extra: pip install 'miro-edge[{name}]'; in a checkout: "
            f".venv/bin/python -m pip install -e '.[{name}]'{remark}"
        )
