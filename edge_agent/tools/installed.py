"""Whether what a tool needs is installed: extras are not in every set-up."""

from __future__ import annotations

from importlib.util import find_spec

from edge_agent.errors import ToolboxError


def require_extra(subject: str, extra: str, package: str) -> None:
    """Raise ToolboxError that says how to get an extra, where its package is not installed.

    `subject` begins the sentence, with its verb: what needs the extra.
    """
    if find_spec(package) is None:
        raise ToolboxError(
            f"{subject} the {extra} extra: pip install 'miro-edge[{extra}]'; in a checkout: "
            f".venv/bin/python -m pip install {package.replace('_', '-')}"
        )
