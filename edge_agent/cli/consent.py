"""Asking a person before something is deleted."""

from __future__ import annotations

import click

from edge_agent.keyboard import terminal


def require_consent(question: str) -> None:
    """Go on only where the person at the terminal says yes; else the command ends here.

    Raises UsageError where there is nobody to be asked.
    """
    if terminal() is None:
        raise click.UsageError(f"Nobody is here to be asked: {question} Say --yes to do so.")
    if not click.confirm(question, err=True):
        click.echo("Nothing is deleted.", err=True)
        raise click.exceptions.Exit(1)
