"""Tools for a command: opened with a word about it, since servers take seconds to start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext

from rich.text import Text

from edge_agent.cli.output import diagnostics
from edge_agent.extras import Extras, open_extras
from edge_agent.index import Searched
from edge_agent.profiles import Profile
from edge_agent.showing import in_one_line
from edge_agent.tools import CHOICES


@contextmanager
def opened_extras(
    names: Sequence[str], profile: Profile, web: Searched | None, *, offline: bool, quiet: bool
) -> Iterator[Extras]:
    """Open what a run may use, and lend it, with the web; say what is left out of it, and why."""
    servers = [name for name in names if name not in CHOICES]
    with ExitStack() as opened:
        with nullcontext() if quiet or not servers else starting(f"Starting {', '.join(servers)}"):
            extras = opened.enter_context(open_extras(names, profile, web, offline=offline))
        for remark in () if quiet else extras.remarks:
            diagnostics().print(in_one_line(remark))
        yield extras


@contextmanager
def starting(what: str) -> Iterator[None]:
    """Show that something is started: turning on a terminal, else in a line."""
    console = diagnostics()
    text = in_one_line(what)
    if console.is_terminal:
        with console.status(Text(text)):
            yield
    else:
        console.print(text)
        yield
