"""The store: what is opened was checked, and what was changed since is not trusted."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.models import (
    HashMismatch,
    InstalledModel,
    InvalidModelFile,
    ModelError,
    ModelStore,
    UnknownModel,
    pull,
    read_header,
)
from edge_agent.models.catalog import Catalog, CatalogEntry, CatalogFile, FileSource
from edge_agent.models.hashing import sha256_of


def catalogue(path: Path) -> Catalog:
    file = CatalogFile(
        name="small.gguf",
        bytes=path.stat().st_size,
        sha256=sha256_of(path),
        sources=(FileSource(kind="file", path=str(path)),),
    )
    entry = CatalogEntry(
        name="small", title="Small", licence="MIT", profile="generic", files=(file,)
    )
    return Catalog(default="small", embedder="small", models=(entry,))


def installed(root: Path, path: Path) -> ModelStore:
    store = ModelStore(root, catalogue(path))
    (root / "small").mkdir(parents=True)
    (root / "small" / "small.gguf").write_bytes(path.read_bytes())
    store.keep(store.catalog.models[0])
    return store


def test_what_was_kept_is_found(small_gguf: Path, tmp_path: Path) -> None:
    found = installed(tmp_path / "models", small_gguf).find("small")
    assert found is not None
    assert (found.licence, found.profile, found.header) == (
        *("MIT", "generic"),
        read_header(small_gguf),
    )


@pytest.mark.parametrize("more", [b"", b"longer"])
def test_a_file_that_changed_is_refused_until_it_is_what_it_was(
    more: bytes, small_gguf: Path, tmp_path: Path
) -> None:
    store = installed(tmp_path / "models", small_gguf)
    path = tmp_path / "models" / "small" / "small.gguf"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) + more)
    os.utime(path, (1, 1))
    with pytest.raises(InvalidModelFile, match="miro-edge models verify small"):
        store.find("small")
    path.write_bytes(content)
    assert store.verify("small").path == path
    assert store.find("small") is not None


def test_a_copy_with_other_dates_is_found_and_hashed_once(small_gguf: Path, tmp_path: Path) -> None:
    installed(tmp_path / "models", small_gguf)
    copied = shutil.copytree(tmp_path / "models", tmp_path / "stick", copy_function=shutil.copyfile)
    path = copied / "small" / "small.gguf"
    os.utime(path, (1, 1))
    store = ModelStore(copied, catalogue(small_gguf))
    assert store.find("small") is not None
    record = json.loads((copied / "small" / "model.json").read_text())
    assert record["files"][0]["modified"] == 10**9
    assert store.find("small") == store.verify("small")


def test_a_file_with_other_bytes_leaves_the_store(small_gguf: Path, tmp_path: Path) -> None:
    store = installed(tmp_path / "models", small_gguf)
    path = tmp_path / "models" / "small" / "small.gguf"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(HashMismatch, match="miro-edge models pull small"):
        store.verify("small")
    assert store.find("small") is None


def test_a_file_that_is_gone_is_not_trusted_and_can_be_had_again(
    small_gguf: Path, tmp_path: Path
) -> None:
    store = installed(tmp_path / "models", small_gguf)
    (tmp_path / "models" / "small" / "small.gguf").unlink()
    with pytest.raises(InvalidModelFile, match="miro-edge models verify small"):
        store.find("small")
    with pytest.raises(HashMismatch, match="miro-edge models pull small"):
        store.verify("small")
    assert store.find("small") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"files": []}', b"\xff\xfe"])
def test_a_damaged_record_is_one_sentence(small_gguf: Path, tmp_path: Path, content: bytes) -> None:
    store = installed(tmp_path / "models", small_gguf)
    (tmp_path / "models" / "small" / "model.json").write_bytes(content)
    for use in (store.find, store.verify, store.resolve):
        with pytest.raises(InvalidModelFile, match="miro-edge models remove small"):
            use("small")
    store.remove("small")
    assert store.find("small") is None


def test_a_file_of_the_users_own(small_gguf: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models", catalogue(small_gguf))
    mine = tmp_path / "model.json"  # the name of our own record: it must not matter
    mine.write_bytes(small_gguf.read_bytes())
    added = store.add("mine", mine)
    assert added.path.read_bytes() == small_gguf.read_bytes()
    assert added.sha256 == sha256_of(small_gguf)
    assert store.names() == ("mine",)
    assert store.bytes_of("mine") >= small_gguf.stat().st_size
    assert store.verify("mine") == added
    store.remove("mine")
    assert store.names() == ()
    assert mine.is_file()


def test_a_name_that_cannot_be_given(small_gguf: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models", catalogue(small_gguf))
    store.add("mine", small_gguf)
    with pytest.raises(ModelError, match="already"):
        store.add("mine", small_gguf)
    for name in ("../mine", "", ".hidden", "a/b", "x" * 200):
        with pytest.raises(ModelError, match="cannot be the name"):
            store.add(name, small_gguf)


@pytest.mark.parametrize("name", ["MINE", "Small"])
def test_a_name_that_is_another_on_a_disk_without_capital_letters(
    name: str, small_gguf: Path, tmp_path: Path
) -> None:
    store = ModelStore(tmp_path / "models", catalogue(small_gguf))
    store.add("mine", small_gguf)
    with pytest.raises(ModelError, match=f"'{name}' is the model '{name.lower()}' on a disk"):
        store.add(name, small_gguf)
    assert store.names() == ("mine",)


def test_a_model_whose_hash_the_catalogue_changed_is_not_here(
    small_gguf: Path, tmp_path: Path
) -> None:
    before = installed(tmp_path / "models", small_gguf)
    newer = tmp_path / "newer.gguf"
    newer.write_bytes(small_gguf.read_bytes() + b"\0")
    store = ModelStore(before.root, catalogue(newer))
    assert store.find("small") is store.resolve("small") is None
    assert (store.names(), store.begun()) == ((), ("small",))
    with pytest.raises(UnknownModel, match="miro-edge models pull small"):
        store.verify("small")
    assert before.find("small") is not None  # who goes back to an older version has it still
    assert store.add("small", newer) == store.find("small")


def added_before(root: Path, path: Path) -> Path:
    """Add a file as `small` while the catalogue has no such name; return where it is kept."""
    free = catalogue(path).model_copy(update={"models": ()})
    return ModelStore(root, free).add("small", path).path


def test_a_file_of_the_users_own_outlives_a_catalogue_that_takes_its_name(
    small_gguf: Path, tmp_path: Path
) -> None:
    root, newer = tmp_path / "models", tmp_path / "newer.gguf"
    newer.write_bytes(small_gguf.read_bytes() + b"\0")
    mine = added_before(root, small_gguf)
    store = ModelStore(root, catalogue(newer))
    entry = store.catalog.get("small")
    uses: tuple[Callable[[], object], ...] = (
        *(lambda: pull(entry, store, lambda _: None), lambda: store.without_download(entry)),
        *(lambda: store.find("small"), lambda: store.resolve("small")),
        lambda: store.verify("small"),
    )
    for use in uses:
        with pytest.raises(InvalidModelFile, match=f"{mine} is not.* models remove small"):
            use()
    with pytest.raises(ModelError, match="There is a model 'small' already"):
        store.add("small", newer)
    assert (store.names(), store.begun()) == ((), ("small",))
    assert mine.read_bytes() == small_gguf.read_bytes()
    kept = store.add("mine", mine)
    store.remove("small")
    assert pull(entry, store, lambda _: None).sha256 == sha256_of(newer)
    assert kept.path.read_bytes() == small_gguf.read_bytes()


def test_a_users_file_that_was_checked_again_stays_the_users(
    small_gguf: Path, tmp_path: Path
) -> None:
    root, newer = tmp_path / "models", tmp_path / "small.gguf"
    newer.write_bytes(small_gguf.read_bytes() + b"\0")
    mine = added_before(root, small_gguf)
    free = ModelStore(root, catalogue(newer).model_copy(update={"models": ()}))
    free.verify("small")
    os.utime(mine, (1, 1))
    assert free.find("small") is not None
    with pytest.raises(InvalidModelFile, match="models remove small"):
        ModelStore(root, catalogue(newer)).find("small")


@pytest.mark.parametrize("stated", [True, False])
def test_a_file_that_an_older_version_recorded_is_the_catalogues_by_its_name_alone(
    stated: bool, small_gguf: Path, tmp_path: Path
) -> None:
    root, newer = tmp_path / "models", tmp_path / "newer.gguf"
    newer.write_bytes(small_gguf.read_bytes() + b"\0")
    record = added_before(root, small_gguf).parent / "model.json"
    fields = json.loads(record.read_text())
    del fields["added"]
    record.write_text(json.dumps(fields))

    def found(name: str) -> InstalledModel | None:
        entry = catalogue(newer).models[0]
        values = {"name": name, "sha256": entry.files[0].sha256 if stated else None}
        file = entry.files[0].model_copy(update=values)
        changed = entry.model_copy(update={"files": (file,)})
        return ModelStore(root, catalogue(newer).model_copy(update={"models": (changed,)})).find(
            "small"
        )

    assert (found("small.gguf") is None) == stated  # with no hash stated, it is the model itself
    with pytest.raises(InvalidModelFile, match="models remove small"):
        found("newer.gguf")


def test_a_users_file_that_is_the_catalogues_is_the_catalogues_model(
    small_gguf: Path, tmp_path: Path
) -> None:
    added_before(tmp_path / "models", small_gguf)
    store = ModelStore(tmp_path / "models", catalogue(small_gguf))
    found = pull(store.catalog.get("small"), store, lambda _: None)
    assert found.licence == "MIT"
    assert store.names() == ("small",)


def test_the_catalogues_own_file_can_be_brought_by_hand(small_gguf: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models", catalogue(small_gguf))
    longer = tmp_path / "longer.gguf"
    longer.write_bytes(small_gguf.read_bytes() + b"\0")
    with pytest.raises(HashMismatch, match="Add it under another name"):
        store.add("small", longer)
    assert store.find("small") is None
    assert store.add("small", small_gguf).licence == "MIT"


def test_what_is_no_model_leaves_nothing(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    notes = tmp_path / "notes.txt"
    notes.write_text("not a model")
    with pytest.raises(InvalidModelFile, match="not a GGUF"):
        store.add("notes", notes)
    assert not store.root.exists()


@pytest.mark.parametrize("name", ["mine", "..", "", "a/b"])
def test_what_is_not_here_cannot_be_checked_or_removed(tmp_path: Path, name: str) -> None:
    store = ModelStore(tmp_path / "models")
    for use in (store.remove, store.verify):
        with pytest.raises(UnknownModel, match="miro-edge models list"):
            use(name)


def test_a_path_is_a_model_too(small_gguf: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models", catalogue(small_gguf))
    found = store.resolve(str(small_gguf))
    assert found is not None
    assert (found.header, found.sha256) == (read_header(small_gguf), None)
    assert store.resolve("small") is None
    with pytest.raises(InvalidModelFile, match="folder"):
        store.resolve(str(tmp_path))


@pytest.mark.parametrize("name", ["smal", "nul\0", "~nobody-of-that-name/x", "x" * 5000])
def test_what_is_neither_a_model_nor_a_path(small_gguf: Path, tmp_path: Path, name: str) -> None:
    store = ModelStore(tmp_path / "models", catalogue(small_gguf))
    with pytest.raises(UnknownModel, match="miro-edge models list"):
        store.resolve(name)


def test_a_model_on_another_disk_is_removed_there_too(small_gguf: Path, tmp_path: Path) -> None:
    store, elsewhere = ModelStore(tmp_path / "models"), tmp_path / "disk" / "mine"
    store.add("mine", small_gguf)
    elsewhere.parent.mkdir()
    (tmp_path / "models" / "mine").rename(elsewhere)
    (tmp_path / "models" / "mine").symlink_to(elsewhere)
    assert store.names() == ("mine",)
    store.remove("mine")
    assert not elsewhere.exists()
    assert list((tmp_path / "models").iterdir()) == []
