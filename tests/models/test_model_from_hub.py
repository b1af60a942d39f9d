"""The hub as a source: its real client, against a server on this machine in the hub's place."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge_agent.models import ModelStore
from edge_agent.models.catalog import Catalog, CatalogEntry, CatalogFile, HubSource

CONTENT = bytes(range(256)) * 50_000
BLOCK = 10 * 1024**2
"""The hub's client writes, and so keeps, whole blocks of this size."""
SCRIPT = """
import sys
from pathlib import Path
from edge_agent.models import ModelStore, DownloadError, pull
from edge_agent.models.catalog import Catalog
store = ModelStore(Path(sys.argv[1]), Catalog.model_validate_json(sys.argv[2]))
try:
    pull(store.catalog.models[0], store, lambda p: print(p.doing, p.total))
except DownloadError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def hub(server: Any) -> Any:
    """A hub with one large file: its etag is the SHA-256."""
    server.content = CONTENT
    digest = hashlib.sha256(CONTENT).hexdigest()
    server.headers = {"ETag": f'"{digest}"', "X-Repo-Commit": "a" * 40}
    return server


def pulled(hub: Any, folder: Path, store: ModelStore) -> subprocess.CompletedProcess[str]:
    """Pull in a process of its own: the client reads the hub's address when it is imported."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HOME": str(folder / "hub"),
        "HF_HUB_OFFLINE": "0",
        "NO_PROXY": "*",
    }
    command = [sys.executable, "-c", SCRIPT, str(store.root), store.catalog.model_dump_json()]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def store_with(folder: Path, sha256: str | None) -> ModelStore:
    source = HubSource(kind="hf", repo="someone/something", file="bits.bin")
    file = CatalogFile(
        name="bits.bin", bytes=len(CONTENT) if sha256 else None, sha256=sha256, sources=(source,)
    )
    entry = CatalogEntry(name="bits", title="Bits", licence="MIT", profile="", files=(file,))
    return ModelStore(folder / "models", Catalog(default="bits", embedder="bits", models=(entry,)))


def test_what_the_hub_states_is_checked_and_kept(hub: Any, tmp_path: Path) -> None:
    store = store_with(tmp_path, sha256=None)
    done = pulled(hub, tmp_path, store)
    assert done.returncode == 0, done.stderr
    assert f"checking {len(CONTENT)}" in done.stdout
    found = store.find("bits")
    assert found is not None
    assert found.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert found.path.read_bytes() == CONTENT
    assert {path.name for path in found.path.parent.iterdir()} == {
        *("bits.bin", "model.json", "pull.lock"),
    }


def test_the_catalogues_hash_stands_above_the_hubs(hub: Any, tmp_path: Path) -> None:
    store = store_with(tmp_path, sha256="0" * 64)
    done = pulled(hub, tmp_path, store)
    assert "hf: the bytes are not those of the catalogue" in done.stderr
    assert store.find("bits") is None
    assert not list(store.root.rglob("bits.bin"))


def test_without_a_hash_nothing_is_downloaded(hub: Any, tmp_path: Path) -> None:
    hub.headers["ETag"] = '"1234"'
    done = pulled(hub, tmp_path, store_with(tmp_path, sha256=None))
    assert "states no SHA-256" in done.stderr
    assert {method for method, _ in hub.asked} == {"HEAD"}


def test_a_download_that_breaks_off_goes_on_where_it_was(hub: Any, tmp_path: Path) -> None:
    hub.break_after = BLOCK + 1000
    store = store_with(tmp_path, sha256=hashlib.sha256(CONTENT).hexdigest())
    done = pulled(hub, tmp_path, store)
    assert done.returncode == 0, done.stderr
    assert ("GET", f"bytes={BLOCK}-") in hub.asked


def test_a_hub_that_is_not_there_is_said_in_a_sentence(hub: Any, tmp_path: Path) -> None:
    hub.shutdown()
    hub.server_close()
    done = pulled(hub, tmp_path, store_with(tmp_path, sha256=None))
    assert "hf: the hub cannot be reached" in done.stderr
