"""`miro-edge models`: which models there are, and getting, checking and removing them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from edge_agent.cli.consent import require_consent
from edge_agent.cli.options import json_option
from edge_agent.cli.output import diagnostics, print_json, print_listing, results
from edge_agent.cli.pulling import (
    download_progress,
    pull_with_progress,
    pulled_model,
)
from edge_agent.home import Home, typed_path
from edge_agent.model_opening import loading_settings
from edge_agent.models import (
    DEFAULT_CONTEXT,
    CatalogEntry,
    EngineSettings,
    InstalledModel,
    ModelStore,
    PullProgress,
    TunedSettings,
    add_from_url,
    expected_need,
    free_memory,
    megabytes,
    memory_need,
)
from edge_agent.models.cards import head_of
from edge_agent.provisioning import lost_without, model_here
from edge_agent.showing import in_one_line


def _store() -> ModelStore:
    return ModelStore(Home.from_environment().models)


@click.group()
def models() -> None:
    """Get, check and remove models.

    \b
    Example:
      miro-edge models pull qwen2.5-coder-1.5b
    """


@models.command("list")
@json_option
def list_models(as_json: bool) -> None:
    """List the models of the catalogue and those that were added.

    "In part" is what an interrupted download left, or a model that the catalogue has changed.

    \b
    Example:
      miro-edge models list
    """
    store = _store()
    rows = _listed(store)
    if as_json:
        print_json({"models": rows})
        return
    lines = [
        (
            row["name"],
            _megabytes(row["bytes"]),
            "yes" if row["installed"] else "in part" if row["in_part"] else "no",
            row["licence"],
            row["title"],
        )
        for row in rows
    ]
    print_listing(("model", "MB", "here", "licence", "what"), lines)


def _listed(store: ModelStore) -> list[dict[str, Any]]:
    """Return what is listed of each model, those of the catalogue first."""
    here, begun = store.names(), store.begun()
    rows: list[dict[str, Any]] = [
        {
            "name": entry.name,
            "title": entry.title,
            "bytes": store.catalog.bytes_of(entry),
            "licence": entry.licence,
            "base": entry.base,
            "installed": entry.name in here,
            "in_part": entry.name in begun,
            "default": entry.name == store.catalog.default,
        }
        for entry in store.catalog.models
    ]
    for name in sorted((*here, *begun)):
        size = store.bytes_of(name)
        if store.catalog.find(name) is None and size:  # an address that led nowhere left nothing
            title = "added by you" if name in here else "not whole: add it again, or remove it"
            rows.append(
                {"name": name, "title": title, "bytes": size, "licence": "the user's own",
                 "base": store.base_of(name), "installed": name in here, "in_part": name in begun,
                 "default": False}
            )  # fmt: skip
    return rows


@models.command()
@click.argument("name")
@json_option
def pull(name: str, as_json: bool) -> None:
    """Download the model NAME of the catalogue, and check its hash.

    An interrupted pull goes on where it ended. Of a student, which is an adapter that ships with
    the program, the base is downloaded where it is not here.

    \b
    Example:
      miro-edge models pull smollm2-135m
    """
    store = _store()
    entry = store.catalog.get(name)
    model = model_here(name, store) or pull_with_progress(entry, store)
    _show(model, store, as_json=as_json)


@models.command()
@click.argument("name")
@json_option
def info(name: str, as_json: bool) -> None:
    """Show what is known about the model NAME (or a GGUF file), and whether it fits this machine.

    Of a student that is where its card lies, and what the card says first.

    \b
    Example:
      miro-edge models info qwen2.5-coder-1.5b
    """
    store = _store()
    model = store.resolve(name)
    if model is not None:
        _show(model, store, as_json=as_json)
    else:
        _show_missing(store.catalog.get(name), store, as_json=as_json)


@models.command()
@click.argument("name")
@json_option
def verify(name: str, as_json: bool) -> None:
    """Hash the files of the model NAME again, those of its base too, and check them.

    A file that is wrong is not used any more.

    \b
    Example:
      miro-edge models verify smollm2-135m
    """
    store = _store()
    with download_progress() as report:
        model = store.verify(name, lambda done: report(PullProgress(name, done, None, "checking")))
    _show(model, store, as_json=as_json)


@models.command()
@click.argument("name")
@click.argument("place", metavar="PATH|URL")
@click.option("--base", metavar="MODEL", help="For a LoRA adapter: the model it is applied to.")
@json_option
def add(name: str, place: str, base: str | None, as_json: bool) -> None:
    """Add your own GGUF file under NAME: the file at PATH, or what an https URL gives.

    Its header and its length are checked. The NAME of a catalogue model takes only the file of
    the catalogue. An interrupted download goes on where it ended. A LoRA adapter in GGUF is added
    over its base, which stays as it is.

    \b
    Examples:
      miro-edge models add my-model ~/Downloads/my-model.Q4_K_M.gguf
      miro-edge models add my-student adapter.gguf --base qwen2.5-coder-1.5b
    """
    store = _store()
    if "://" in place:
        with download_progress() as report:
            model = add_from_url(name, place, store, report, base)
    else:
        model = store.add(name, typed_path(place), base)
    _show(model, store, as_json=as_json)


@models.command()
@click.argument("name")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=30,
    show_default=True,
    help="Begin no further trial after so long.",
)
@json_option
def tune(name: str, seconds: float, as_json: bool) -> None:
    """Measure which settings suit the model NAME on this machine, and use them from now on.

    Tries repacked weights, numbers of threads, batch sizes and cache types, one after the other,
    and keeps what makes a step of the agent clearly faster. What was measured holds for a base and
    for the adapters over it. Close other programs first.

    \b
    Example:
      miro-edge models tune qwen2.5-coder-1.5b
    """
    home = Home.from_environment()
    model = pulled_model(name, home, offline=False)
    # Imported here: it loads llama.cpp, which no other command of this group needs.
    from edge_agent.cli.tuning import best_of, in_words, measured, tuning_record, tuning_table

    trials = measured(model, seconds)
    best = best_of(trials)
    TunedSettings(home.tuning).keep(model, best)
    if as_json:
        print_json(tuning_record(model, trials))
        return
    results().print(tuning_table(trials))
    click.echo(f"{in_one_line(model.name)} is loaded like this from now on: {in_words(best)}.")


@models.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Delete the model NAME from this machine; of a student or another adapter the base stays.

    \b
    Example:
      miro-edge models remove smollm2-135m
    """
    store = _store()
    store.require_here(name)
    lost, base = lost_without(name, store), store.base_of(name)
    if not yes:
        require_consent(f"{lost} Delete the model '{name}' from this machine?".strip())
    store.remove(name)
    stays = "" if base is None else f" Its base stays: miro-edge models remove {base}"
    diagnostics().print(f"The model '{name}' is deleted.{stays}")
    if lost and yes:
        diagnostics().print(lost)


def _megabytes(count: int | None) -> str:
    """Return bytes as megabytes; a question mark where only the hub knows."""
    return "?" if count is None else megabytes(count)


def _show_missing(entry: CatalogEntry, store: ModelStore, *, as_json: bool) -> None:
    """Show what the catalogue says of a model that is not on this machine."""
    count = store.catalog.bytes_of(entry)
    need = expected_need(count, None, EngineSettings())
    record = {**entry.model_dump(mode="json"), "bytes": count, "installed": False}
    record |= {**_room(need), **_card(entry.name, store)}
    if as_json:
        print_json(record)
        return
    base = "" if entry.base is None else f", an adapter over {entry.base}"
    click.echo(f"{entry.name}: {entry.title}")
    click.echo(f"{_megabytes(count)} MB, {entry.licence}{base}, not on this machine")
    # A guess from its size alone, until its header can be read.
    unknown = "whether it fits this machine is not known before it is pulled"
    click.echo(unknown if need is None else f"by its size it {_fit(need)}")
    _print_card(record)
    click.echo(f"Get it with: miro-edge models pull {entry.name}")


def _show(model: InstalledModel, store: ModelStore, *, as_json: bool) -> None:
    record = _record(model, store)
    if as_json:
        print_json(record)
        return
    click.echo(in_one_line(f"{model.name}: {model.path}"))
    if model.adapter is not None:
        click.echo(f"with the adapter {in_one_line(str(model.adapter))}, over {record['base']}")
    click.echo(f"{megabytes(model.bytes)} MB, {model.licence}, profile {model.profile or 'none'}")
    click.echo(f"SHA-256: {model.sha256 or 'not taken; header and length were checked'}")
    if model.header is not None:
        click.echo(
            f"{in_one_line(model.header.architecture)}, {model.header.layers} layers, trained for "
            f"{model.header.context:,} tokens; {_fit(record['memory'])}"
        )
    _print_card(record)


def _room(need: int | None) -> dict[str, Any]:
    """Return the memory that a model needs, and whether so much is free; None where unknown."""
    return {"memory": need, "fits": None if need is None else need <= free_memory()}


def _fit(need: int) -> str:
    """Return in words what `_room` returns."""
    free = free_memory()
    verdict = "it fits" if need <= free else "it does not fit"
    return f"needs {megabytes(need)} MB of memory, {megabytes(free)} MB are free: {verdict}"


def _card(name: str, store: ModelStore) -> dict[str, Any]:
    """Return where the card of a student lies, and what it says first; None for other models."""
    entry = store.catalog.find(name)
    card = None if entry is None else store.catalog.card_of(entry)
    return {"card": card and str(card), "about": card and head_of(card)}


def _print_card(record: dict[str, Any]) -> None:
    if record["card"] is not None:
        click.echo(f"Card: {in_one_line(record['card'])}\n\n{record['about']}\n")


def _record(model: InstalledModel, store: ModelStore) -> dict[str, Any]:
    memory = None
    if model.header is not None:
        settings = loading_settings(model, Home.from_environment(), DEFAULT_CONTEXT)
        memory = memory_need(model.bytes, model.header, settings).total
    known = model.name if model.adapter else ""  # a file may have the name of another model
    return {
        **asdict(model),
        "path": str(model.path),
        "adapter": model.adapter and str(model.adapter),
        "installed": True,
        **_room(memory),
        "base": store.base_of(known) if known else None,
        **_card(known, store),
    }
