"""Commands, called as from a shell, and what they said."""

from __future__ import annotations

from click.testing import CliRunner, Result

from edge_agent.cli import main


def call(*arguments: object, text: str | None = None) -> Result:
    """Call a command, `text` on its standard input; it never ends in a traceback."""
    result = CliRunner().invoke(main, [*map(str, arguments)], input=text)
    assert "Traceback" not in result.output
    return result


def said(result: Result) -> str:
    """Return what stands on standard error, on one line."""
    return " ".join(result.stderr.split())
