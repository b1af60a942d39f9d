"""`miro-edge doctor`: what this machine has, what is installed, and what would not fit and why."""

from __future__ import annotations

import platform
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import psutil

from edge_agent import __version__
from edge_agent.cli.options import json_option
from edge_agent.cli.output import print_json
from edge_agent.cli.tools import starting
from edge_agent.config import McpServer, load_config
from edge_agent.errors import ConfigError, ToolboxError
from edge_agent.home import Home
from edge_agent.index import LibraryError, Shelf, fault_of
from edge_agent.installation import EXTRAS, has_extra
from edge_agent.mcp_client.choosing import offered
from edge_agent.mcp_client.offers import Offers
from edge_agent.models import (
    CatalogEntry,
    EngineSettings,
    ModelError,
    ModelStore,
    expected_need,
    free_memory,
    megabytes,
    usable_cores,
)
from edge_agent.showing import in_one_line


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check this machine: processor, memory, disk, models, libraries, extras, MCP servers.

    Each server in the settings is started, asked for its tools, and ended.

    \b
    Example:
      miro-edge doctor
    """
    home = Home.from_environment()
    store = ModelStore(home.models)
    report = {
        "machine": _machine(),
        "home": _home(home),
        "models": [_model(entry, store) for entry in store.catalog.models],
        "libraries": [_library(name, home) for name in Shelf(home.libraries).names()],
        "extras": {name: has_extra(name) for name in EXTRAS},
        **_settings(home),
    }
    if as_json:
        print_json(report)
        return
    _print(report)


def _machine() -> dict[str, Any]:
    from edge_agent.models.engine import system_information

    memory = psutil.virtual_memory()
    return {
        "miro_edge": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": usable_cores(),
        "memory": memory.total,
        "memory_free": free_memory(),
        "llama_cpp": system_information(),
    }


def _home(home: Home) -> dict[str, Any]:
    existing = next(path for path in (home.root, *home.root.parents) if path.exists())
    return {"path": str(home.root), "disk_free": shutil.disk_usage(existing).free}


def _model(entry: CatalogEntry, store: ModelStore) -> dict[str, Any]:
    """Say whether a model is here, whole, and whether it would fit into the memory that is free."""
    state = "not here"
    size, header = store.catalog.bytes_of(entry), None
    try:
        model = store.find(entry.name)
        if model is not None:
            state = "here, checked"
            size, header = model.bytes, model.header
    except ModelError as error:
        state = str(error)
    need = expected_need(size, header, EngineSettings())
    return {"name": entry.name, "state": state, "memory": need, "problem": _problem(need)}


def _problem(need: int | None) -> str | None:
    if need is not None and need > free_memory():
        return f"needs {megabytes(need)} MB of memory, {megabytes(free_memory())} MB are free"
    return None


def _library(name: str, home: Home) -> dict[str, Any]:
    try:
        statistics = Shelf(home.libraries).open(name).statistics()
    except LibraryError as error:
        return {"name": name, "problem": str(error)}
    faults = {source: fault_of(Path(source)) for source in statistics.sources}
    problems = [f"{source} {fault}" for source, fault in faults.items() if fault is not None]
    return {**asdict(statistics), "problem": "; ".join(problems) or None}


def _settings(home: Home) -> dict[str, Any]:
    """Say what is wrong in the settings, and what the MCP servers in them are good for."""
    try:
        servers = load_config(home.config).mcp
    except ConfigError as error:
        return {"settings": {"problem": str(error)}, "servers": []}
    found = [_server(name, server) for name, server in servers.items()]
    return {"settings": {"problem": None}, "servers": found}


def _server(name: str, server: McpServer) -> dict[str, Any]:
    """Start a server, and say what of it a run can use."""
    found, problem = Offers(), None
    try:
        with starting(f"Starting {name}"):
            found = offered(name, server)
    except ToolboxError as error:
        problem = str(error)
    tools = [*found.usable]
    return {"name": name, "tools": tools, "left_out": found.left_out, "problem": problem}


def _print(report: dict[str, Any]) -> None:
    machine, home = report["machine"], report["home"]
    click.echo(
        f"miro-edge {machine['miro_edge']}, Python {machine['python']}, {machine['system']}\n"
        f"{machine['cores']} cores, {machine['memory'] / 1e9:.1f} GB of memory, "
        f"{machine['memory_free'] / 1e9:.1f} GB free\n"
        f"llama.cpp: {machine['llama_cpp']}\n"
        f"{in_one_line(home['path'])}: {home['disk_free'] / 1e9:.1f} GB of disk free\n\nModels"
    )
    for model in report["models"]:
        problem = f"; would not fit: {model['problem']}" if model["problem"] else ""
        state = in_one_line(f"{model['name']}: {model['state']}{problem}")
        click.echo(f"  {state}")
    click.echo("\nLibraries")
    for library in report["libraries"]:
        trouble = f"; {library['problem']}" if library["problem"] else ""
        count = f"{library['documents']} documents" if "documents" in library else "cannot be read"
        state = in_one_line(f"{library['name']}: {count}{trouble}")
        click.echo(f"  {state}")
    if not report["libraries"]:
        click.echo("  none yet; `sample` is indexed when it is first asked")
    click.echo("\nExtras")
    for extra, is_here in report["extras"].items():
        click.echo(f"  {extra}: {'here' if is_here else 'not here'}")
    if report["settings"]["problem"]:
        click.echo(f"\nSettings\n  {in_one_line(report['settings']['problem'])}")
    if report["servers"]:
        click.echo("\nMCP servers")
    for server in report["servers"]:
        tools = server["problem"] or ", ".join(server["tools"]) or "no tool that can be used"
        click.echo(f"  {in_one_line(server['name'])}: {in_one_line(tools)}")
        for tool, reason in server["left_out"].items():
            click.echo(f"    {in_one_line(tool)} is left out: {reason}")
