"""`miro-edge index search` and `show`: what the agent would find, found by hand."""

from __future__ import annotations

from dataclasses import asdict

import click

from edge_agent.cli.libraries import open_shelf
from edge_agent.cli.options import json_option
from edge_agent.cli.output import ExitCode, print_json, warner
from edge_agent.home import Home
from edge_agent.index import By, storable
from edge_agent.records import hit_record
from edge_agent.showing import in_one_line, placed, shown


@click.command()
@click.argument("name")
@click.argument("query", type=storable)
@click.option(
    "--limit", type=click.IntRange(min=1), default=5, show_default=True, help="Most passages."
)
@click.option(
    "--by",
    type=click.Choice([by.value for by in By]),
    default=By.BOTH.value,
    show_default=True,
    help="Rank by words, by meaning, or by both where the embedder is on this machine.",
)
@json_option
def search(name: str, query: str, limit: int, by: str, as_json: bool) -> None:
    """Search the library NAME for QUERY, in plain words.

    Passages with a phrase in "double quotes" come first, and so do those with a word after title:,
    heading: or text: in that place. Exits with 3 when nothing is found.

    \b
    Examples:
      miro-edge index search papers 'attention "residual connection"'
      miro-edge index search papers 'title:transformer layers'
    """
    library = open_shelf(Home.from_environment()).resolve(name, warn=warner(quiet=False))
    hits = library.search(query, limit, by=By(by))
    suggestion = None if hits else library.suggestion(query)
    if as_json:
        print_json({"results": [hit_record(hit) for hit in hits], "suggestion": suggestion})
    else:
        for hit in hits:
            passage = hit.passage
            title = placed(passage.title, passage.place)
            click.echo(f"{in_one_line(passage.id)}  {title}")
            click.echo(f"    {in_one_line(passage.text)}\n")
        if not hits:
            hint = f" Did you mean: {suggestion}" if suggestion else ""
            click.echo(in_one_line(f"Nothing found.{hint}"))
    if not hits:
        click.get_current_context().exit(ExitCode.NOT_FOUND)


@click.command()
@click.argument("name")
@click.argument("passage", type=storable)
@json_option
def show(name: str, passage: str, as_json: bool) -> None:
    """Show a PASSAGE of the library NAME by the id that a search printed.

    \b
    Example:
      miro-edge index show sample forth-bridge.md#1
    """
    library = open_shelf(Home.from_environment()).resolve(name, warn=warner(quiet=False))
    found = library.passage(passage)
    if as_json:
        print_json({**asdict(found), "place": found.place})
        return
    title = placed(found.title, found.source, found.place)
    click.echo(f"{title}\n\n{shown(found.text)}")
