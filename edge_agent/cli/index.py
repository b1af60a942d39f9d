"""`miro-edge index`: libraries of your documents, made, kept and removed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from edge_agent.cli.consent import require_consent
from edge_agent.cli.libraries import indexing_progress, open_shelf
from edge_agent.cli.options import json_option
from edge_agent.cli.output import ExitCode, diagnostics, print_json, print_listing, warner
from edge_agent.cli.pulling import pulled_model
from edge_agent.cli.search import search, show
from edge_agent.home import Home, typed_path
from edge_agent.index import (
    SAMPLE,
    IndexReport,
    Library,
    LibraryError,
    RecordFields,
    Shelf,
    Soundness,
    Source,
)
from edge_agent.models import load_catalog
from edge_agent.showing import in_one_line

_PROBLEMS_TOLD = 10
"""Problems that are told after an update: a folder of pictures has a thousand of them."""


def _shelf() -> Shelf:
    return open_shelf(Home.from_environment())


def _open(name: str) -> Library:
    """Open a library by name; the sample library is made where nobody has used it yet."""
    shelf = _shelf()
    return shelf.resolve(name, warn=warner(quiet=False)) if name == SAMPLE else shelf.open(name)


@click.group()
def index() -> None:
    """Make libraries of your documents, and search them.

    \b
    Example:
      miro-edge index add papers ~/papers
    """


index.add_command(search)
index.add_command(show)

embed_option = click.option(
    "--embed",
    is_flag=True,
    help="Embed all passages now, so that they are found by meaning where no word is shared; "
    "without it those that words find are embedded when they are first found.",
)


@index.command()
@click.argument("name")
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--include",
    metavar="GLOB",
    multiple=True,
    help="Read only files like this: '*.md'. Repeatable.",
)
@click.option(
    "--exclude",
    metavar="GLOB",
    multiple=True,
    help="Pass over files like this: 'drafts/'. Repeatable.",
)
@click.option("--id-field", metavar="FIELD", help="Field of a record that is the document's id.")
@click.option("--title-field", metavar="FIELD", help="Field of a record that is its title.")
@click.option(
    "--text-field", metavar="FIELD", multiple=True, help="Field of a record to search. Repeatable."
)
@embed_option
@json_option
def add(
    name: str,
    paths: tuple[Path, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    id_field: str | None,
    title_field: str | None,
    text_field: tuple[str, ...],
    embed: bool,
    as_json: bool,
) -> None:
    """Add each PATH, a folder or a file, to the library NAME, which is made if there is none.

    Read are Markdown, text in any encoding, HTML, PDF, Word, PowerPoint, Excel, OpenDocument,
    EPUB, e-mail (eml, mbox), JSON, JSON lines, CSV (one record a document), source code and LaTeX.
    A ZIM archive is searched in place.

    Hidden files, copies that editors keep (notes.md~), symbolic links, and what .gitignore, .ignore
    and .miro-edge-ignore files name are passed over. GLOB is a pattern as in those files. What is
    chosen here holds for later updates.

    \b
    Examples:
      miro-edge index add papers ~/papers ~/notes/reading.md
      miro-edge index add notes ~/notes --include '*.md' --exclude drafts/
      miro-edge index add news articles.jsonl --title-field headline --text-field body
    """
    fields = RecordFields(id_field, title_field, text_field)
    sources = tuple(Source(typed_path(path), include, exclude, fields) for path in paths)
    if embed:
        _require_embedder()
    shelf = _shelf()
    with indexing_progress() as report:
        done = shelf.add(name, sources, report)
    if embed:
        _embed(shelf, name)
    _show_report(name, done, as_json=as_json)


@index.command()
@click.argument("name")
@embed_option
@json_option
def update(name: str, embed: bool, as_json: bool) -> None:
    """Read what is new or changed in the sources of the library NAME, and forget what is gone.

    \b
    Example:
      miro-edge index update papers
    """
    if embed:
        _require_embedder()
    with indexing_progress() as report:
        done = _open(name).update(report)
    if embed:
        _embed(_shelf(), name)
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
    found, broken = [], {}
    for name in shelf.names():
        try:
            found.append(shelf.open(name).statistics())
        except LibraryError as error:
            broken[name] = str(error)
    if as_json:
        problems = [{"name": name, "problem": problem} for name, problem in broken.items()]
        print_json({"libraries": [*map(asdict, found), *problems]})
        return
    for problem in broken.values():
        diagnostics().print(in_one_line(problem))
    if not found and not broken:
        click.echo("No libraries yet. Make one: miro-edge index add NAME FOLDER")
        return
    rows = [
        (
            one.name,
            str(one.documents),
            str(one.passages),
            str(one.embedded),
            f"{one.bytes / 1e6:.1f}",
            ", ".join(one.sources),
        )
        for one in found
    ]
    print_listing(("library", "documents", "passages", "embedded", "MB", "from"), rows)


@index.command()
@click.argument("name")
@json_option
def stats(name: str, as_json: bool) -> None:
    """Show how much the library NAME holds.

    \b
    Example:
      miro-edge index stats papers
    """
    found = _open(name).statistics()
    if as_json:
        print_json(asdict(found))
        return
    click.echo(
        f"{found.name}: {found.files} files, {found.documents} documents, {found.passages} "
        f"passages ({found.embedded} embedded), {found.archives} archives, {found.problems} "
        f"problems, {found.bytes / 1e6:.1f} MB"
    )
    click.echo(in_one_line("From " + ", ".join(found.sources)))


@index.command()
@click.argument("name")
@json_option
def problems(name: str, as_json: bool) -> None:
    """List what of the library NAME could not be read, or not all of it, and why.

    That is files, and folders that are away or closed.

    \b
    Example:
      miro-edge index problems papers
    """
    found = _open(name).problems()
    if as_json:
        print_json({"problems": [asdict(problem) for problem in found]})
        return
    for problem in found:
        click.echo(in_one_line(f"{problem.file}: {problem.reason}"))
    if not found:
        click.echo("Everything was read.")


@index.command()
@click.argument("name")
@json_option
def verify(name: str, as_json: bool) -> None:
    """Check the library NAME: its database, its indexes, and whether documents have changed.

    Exits with 1 when the library itself is damaged; changed documents are only told.

    \b
    Example:
      miro-edge index verify papers
    """
    library = _open(name)
    with indexing_progress() as report:
        found = library.verify(report)
    away = library.away()
    if as_json:
        record = {"library": name, "sound": found.is_sound, **asdict(found)}
        print_json({**record, "away": [str(path) for path in away]})
    else:
        _show_soundness(name, found, away)
    if not found.is_sound:
        click.get_current_context().exit(ExitCode.FAILED)


@index.command()
@click.argument("name")
@click.argument("paths", metavar="[PATH…]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def remove(name: str, paths: tuple[Path, ...], yes: bool, as_json: bool) -> None:
    """Delete the library NAME, or only what it has from each PATH. Your documents stay.

    PATH is a folder or file that was added to the library, not a part of one: `index stats NAME`
    names them. What of a folder is not wanted any more, a file .miro-edge-ignore in it leaves out.

    \b
    Examples:
      miro-edge index remove papers
      miro-edge index remove papers ~/notes/reading.md
    """
    shelf = _shelf()
    shelf.folder(name)  # what is not there is said before anything is asked
    what = (
        f"what '{name}' has from {', '.join(map(str, paths))}" if paths else f"the library '{name}'"
    )
    if not yes:
        require_consent(in_one_line(f"Delete {what} (not your documents)?"))
    if paths:
        with indexing_progress() as report:
            done = shelf.open(name).drop(map(typed_path, paths), report)
        _show_report(name, done, as_json=as_json)
        return
    shelf.remove(name)
    if as_json:
        print_json({"removed": name})
    else:
        diagnostics().print(f"The library '{name}' is deleted.")


def _require_embedder() -> None:
    """Pull the embedder if it is not here. Raises DownloadError."""
    pulled_model(load_catalog().embedder, Home.from_environment(), offline=False)


def _embed(shelf: Shelf, name: str) -> None:
    with indexing_progress() as report:
        shelf.open(name).embed(report)


def _show_report(name: str, report: IndexReport, *, as_json: bool) -> None:
    if as_json:
        print_json({"library": name, **asdict(report)})
        return
    unread = f", {report.unread} could not be read" if report.unread else ""
    click.echo(
        f"{name}: {report.added} files added, {report.changed} changed, {report.moved} moved, "
        f"{report.removed} removed, {report.unchanged} unchanged{unread}; {report.documents} "
        f"documents, {report.passages} passages"
    )
    for problem in report.problems[:_PROBLEMS_TOLD]:
        diagnostics().print(in_one_line(f"{problem.file}: {problem.reason}"))
    if len(report.problems) > _PROBLEMS_TOLD:
        diagnostics().print(
            f"… and {len(report.problems) - _PROBLEMS_TOLD} more: miro-edge index problems {name}"
        )


def _show_soundness(name: str, found: Soundness, away: Sequence[Path]) -> None:
    faults = [
        (found.database, f"the database is damaged: {found.database}"),
        (found.is_outdated, "another version made the search index; an update makes it anew"),
        (found.not_indexed, f"the search index lacks {found.not_indexed} passages"),
        (found.not_stored, f"the search index has {found.not_stored} passages that are no more"),
        (found.not_embedded, f"{found.not_embedded} passages have no vector yet"),
    ]
    for is_there, sentence in faults:
        if is_there:
            click.echo(f"{name}: {sentence}")
    for state, paths in (("has changed", found.changed), ("is missing", found.missing)):
        for path in paths:
            click.echo(in_one_line(f"{path} {state}"))
    for source in away:
        click.echo(
            in_one_line(
                f"{source} is away or empty, and what was read of it is kept. Bring it back, or "
                f"take it out: miro-edge index remove {name} {shlex.quote(str(source))}"
            )
        )
    gone = [each for each in found.missing if not any(map(Path(each).is_relative_to, away))]
    if found.database:
        click.echo(f"Make it anew: miro-edge index remove {name}, then index add")
    elif not found.is_sound or found.changed or gone or found.not_embedded:
        click.echo(f"Bring it up to date with: miro-edge index update {name}")
    elif not away:
        click.echo(f"{name} is sound, and up to date with its documents.")
