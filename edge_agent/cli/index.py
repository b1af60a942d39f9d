"""`miro-edge index`: libraries of your documents, made, searched and removed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from edge_agent.cli.libraries import indexing_progress
from edge_agent.cli.output import ExitCode, diagnostics, json_option, print_json, printable, results
from edge_agent.home import Home
from edge_agent.index import Hit, IndexReport, Shelf


def _shelf() -> Shelf:
    return Shelf(Home.from_environment().libraries)


@click.group()
def index() -> None:
    """Make libraries of your documents, and search them.

    \b
    Example:
      miro-edge index add papers ~/papers
    """


@index.command()
@click.argument("name")
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def add(name: str, paths: tuple[Path, ...], as_json: bool) -> None:
    """Add each PATH, a folder or a file, to the library NAME, which is made if there is none.

    Markdown, HTML, text, PDF and JSON lines are read; hidden files and symbolic links are skipped.

    \b
    Example:
      miro-edge index add papers ~/papers ~/notes/reading.md
    """
    with indexing_progress() as report:
        done = _shelf().add(name, paths, report)
    _show_report(name, done, as_json=as_json)


@index.command()
@click.argument("name")
@json_option
def update(name: str, as_json: bool) -> None:
    """Read what is new or changed in the sources of the library NAME, and forget what is gone.

    \b
    Example:
      miro-edge index update papers
    """
    library = _shelf().open(name)
    with indexing_progress() as report:
        done = library.update(report)
    _show_report(name, done, as_json=as_json)


@index.command("list")
@json_option
def list_libraries(as_json: bool) -> None:
    """List the libraries on this machine.

    \b
    Example:
      miro-edge index list
    """
    shelf = _shelf()
    found = [shelf.open(name).statistics() for name in shelf.names()]
    if as_json:
        print_json({"libraries": [asdict(statistics) for statistics in found]})
        return
    if not found:
        click.echo("No libraries yet. Make one: miro-edge index add NAME FOLDER")
        return
    table = Table("library", "documents", "passages", "MB", "from", box=None)
    for one in found:
        size = f"{one.bytes / 1e6:.1f}"
        sources = printable(", ".join(one.sources))
        table.add_row(one.name, str(one.documents), str(one.passages), size, sources)
    results().print(table)


@index.command()
@click.argument("name")
@click.argument("query")
@click.option(
    "--limit", type=click.IntRange(min=1), default=5, show_default=True, help="Most passages."
)
@json_option
def search(name: str, query: str, limit: int, as_json: bool) -> None:
    """Search the library NAME for QUERY: words, and phrases in double quotes.

    Exits with 3 when nothing is found.

    \b
    Example:
      miro-edge index search papers 'attention "residual connection"'
    """
    hits = _shelf().resolve(name).search(query, limit)
    if as_json:
        print_json({"results": [_hit_record(hit) for hit in hits]})
    else:
        for hit in hits:
            passage = hit.passage
            click.echo(printable(f"{passage.id}  {passage.title} ({passage.place})"))
            click.echo(printable(f"    {' '.join(passage.text.split())}\n"))
        if not hits:
            click.echo("Nothing found.")
    if not hits:
        click.get_current_context().exit(ExitCode.NOT_FOUND)


@index.command()
@click.argument("name")
@click.argument("passage")
@json_option
def show(name: str, passage: str, as_json: bool) -> None:
    """Show a PASSAGE of the library NAME by the id that a search printed.

    \b
    Example:
      miro-edge index show sample forth-bridge.md#1
    """
    found = _shelf().resolve(name).passage(passage)
    if as_json:
        print_json({**asdict(found), "place": found.place})
        return
    click.echo(printable(f"{found.title} ({found.source}, {found.place})\n\n{found.text}"))


@index.command()
@click.argument("name")
@json_option
def stats(name: str, as_json: bool) -> None:
    """Show how much the library NAME holds.

    \b
    Example:
      miro-edge index stats papers
    """
    found = _shelf().open(name).statistics()
    if as_json:
        print_json(asdict(found))
        return
    click.echo(
        f"{found.name}: {found.files} files, {found.documents} documents, {found.passages} "
        f"passages, {found.problems} problems, {found.bytes / 1e6:.1f} MB"
    )
    click.echo(printable("From " + ", ".join(found.sources)))


@index.command()
@click.argument("name")
@json_option
def problems(name: str, as_json: bool) -> None:
    """List the files of the library NAME that could not be read, and why.

    \b
    Example:
      miro-edge index problems papers
    """
    found = _shelf().open(name).problems()
    if as_json:
        print_json({"problems": [asdict(problem) for problem in found]})
        return
    for problem in found:
        click.echo(printable(f"{problem.file}: {problem.reason}"))
    if not found:
        click.echo("Every file was read.")


@index.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Delete the library NAME. Your documents stay where they are.

    \b
    Example:
      miro-edge index remove papers
    """
    shelf = _shelf()
    shelf.folder(name)  # what is not there is said before anything is asked
    if not yes:
        click.confirm(f"Delete the library '{name}' (not your documents)?", abort=True, err=True)
    shelf.remove(name)
    diagnostics().print(f"The library '{name}' is deleted.")


def _hit_record(hit: Hit) -> dict[str, object]:
    passage = hit.passage
    return {
        "passage": passage.id,
        "document": passage.document,
        "title": passage.title,
        "source": passage.source,
        "place": passage.place,
        "score": round(hit.score, 4),
        "text": passage.text,
    }


def _show_report(name: str, report: IndexReport, *, as_json: bool) -> None:
    if as_json:
        print_json({"library": name, **asdict(report)})
        return
    click.echo(
        f"{name}: {report.added} files added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged; {report.documents} documents, {report.passages} passages"
    )
    for problem in report.problems:
        diagnostics().print(printable(f"{problem.file}: {problem.reason}"), markup=False)
