"""An interface over a home of its own: three ships, a model that follows a script, a stored run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from scripted_app import Recorded, scripted

from edge_agent.config import AskSettings, Config, InterfaceSettings, save_config
from edge_agent.events import from_record
from edge_agent.home import Home
from edge_agent.tui.app import MiroEdge


@pytest.fixture
def place(tmp_path: Path, ready_ships: Path) -> Home:
    """A home with a library of three ships, which is in use, and nothing else."""
    home = Home(tmp_path / "home")
    shutil.copytree(ready_ships, home.libraries / "ships")
    ask = AskSettings(libraries=("ships",), model="http://127.0.0.1:9/v1#scripted", offline=True)
    save_config(Config(ask=ask, tui=InterfaceSettings(motion=False)), home.config)
    return home


@pytest.fixture
def app(place: Home) -> MiroEdge:
    """The interface, whose model follows the script."""
    return scripted(place)


@pytest.fixture(scope="session")
def recorded() -> Recorded:
    """A run of the default model over the sample library, and when each event was stored."""
    record = json.loads((Path(__file__).parent / "recorded_run.json").read_text())
    return tuple(map(from_record, record["events"])), tuple(record["times"])
