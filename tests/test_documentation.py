"""Nothing the command line offers is undocumented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from edge_agent.cli import main

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (README, *ROOT.glob("scripts/*/README.md"))
LISTED = tuple(f"miro-edge {name}" for name in ("ask", "eval", "index", "mcp", "serve"))
"""The commands whose options are all in the README."""


def commands(
    command: click.Command, path: str = "miro-edge"
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command below `command` with the words that call it."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield f"{path} {name}", child
            yield from commands(child, f"{path} {name}")


def faults(path: str, command: click.Command, readme: str) -> list[str]:
    """Return what is missing from the documentation of a command."""
    found = []
    help_text = command.help or ""
    if "Example" not in help_text:
        found.append(f"{path}: no example in its help")
    if f"`{path}" not in readme and f"{path} " not in readme and f"{path}\n" not in readme:
        found.append(f"{path}: not in the README")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            if not parameter.help:
                found.append(f"{path} {parameter.opts[0]}: no help")
            if path.startswith(LISTED) and not any(
                re.search(rf"`{opt}(?![\w-])", readme) for opt in parameter.opts
            ):
                found.append(f"{path} {parameter.opts[0]}: not in the README")
        else:
            shown = parameter.metavar or str(parameter.name).upper()
            if not re.search(rf"\b{shown.strip('[]…')}\b", help_text):
                found.append(f"{path}: its help does not say what {shown} is")
    return found


@pytest.mark.parametrize(("path", "command"), list(commands(main)))
def test_every_command_and_option_is_documented(path: str, command: click.Command) -> None:
    assert faults(path, command, README.read_text(encoding="utf-8")) == []


def test_this_test_can_fail() -> None:
    @click.command()
    @click.argument("thing")
    @click.option("--bare")
    def lonely(thing: str, bare: str) -> None:
        """Do something."""

    assert len(faults("miro-edge lonely", lonely, "nothing")) == 4


def test_the_two_commands_of_the_readme_are_there() -> None:
    text = README.read_text(encoding="utf-8")
    for script in ("scripts/miro-edge", "scripts/test"):
        assert script in text
        assert (README.parent / script).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    for path, _, heading in (link.partition("#") for link in links):
        target = (page.parent / path) if path else page
        assert target.is_file(), path
        assert not heading or heading in _headings(target), heading


def _headings(page: Path) -> list[str]:
    """Return the headings of a page as links name them."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found]
