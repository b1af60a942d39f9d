"""The store: what is opened was checked, and what was changed since is not trusted."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.models import (
    HashMismatch,
    InvalidModelFile,
    ModelError,
    ModelStore,
    UnknownModel,
    load_catalog,
    read_header,
)
from edge_agent.models.catalog import Catalog, CatalogEntry, CatalogFile, FileSource
from edge_agent.models.hashing import sha256_of


@pytest.fixture(scope="session")
def small_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF of a few kilobytes: header, a vocabulary of three, one tensor."""
    from gguf import GGUFWriter

    path = tmp_path_factory.mktemp("gguf") / "small.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_name("Small")
    writer.add_context_length(512)
    writer.add_block_count(2)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_embedding_length(64)
    writer.add_token_list(["a", "b", "c"])
    writer.add_tensor("token_embd.weight", np.ones((3, 64), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


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
    return Catalog(default="small", models=(entry,))


def installed(root: Path, path: Path) -> ModelStore:
    store = ModelStore(root, catalogue(path))
    (root / "small").mkdir(parents=True)
    (root / "small" / "small.gguf").write_bytes(path.read_bytes())
    store.keep(store.catalog.models[0])
    return store


def test_the_catalogue_that_ships_is_whole() -> None:
    catalog = load_catalog()
    assert catalog.find(catalog.default) is not None
    assert len({entry.name for entry in catalog.models}) == len(catalog.models) >= 6
    for entry in catalog.models:
        for file in entry.files:
            from_hub_only = all(source.kind == "hf" for source in file.sources)
            assert (file.sha256 is None) == (file.bytes is None)
            assert file.sha256 is None or len(file.sha256) == 64
            assert file.sha256 is not None or from_hub_only


def test_a_header_says_what_memory_planning_needs(small_gguf: Path) -> None:
    header = read_header(small_gguf)
    assert (header.architecture, header.name, header.context) == ("llama", "Small", 512)
    assert (header.layers, header.heads, header.kv_heads) == (2, 4, 2)
    assert (header.embedding_length, header.vocabulary) == (64, 3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(
    small_gguf: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(small_gguf.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "damaged.gguf"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(InvalidModelFile):
        read_header(path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_noticed(
    small_gguf: Path, tmp_path: Path, share: float
) -> None:
    path = tmp_path / "short.gguf"
    path.write_bytes(small_gguf.read_bytes()[: int(small_gguf.stat().st_size * share)])
    with pytest.raises(InvalidModelFile, match="cut short"):
        read_header(path)


def test_a_folder_is_not_a_model(tmp_path: Path) -> None:
    with pytest.raises(InvalidModelFile, match="folder"):
        read_header(tmp_path)


def test_what_was_kept_is_found(small_gguf: Path, tmp_path: Path) -> None:
    found = installed(tmp_path / "models", small_gguf).find("small")
    assert found is not None
    assert (found.licence, found.profile, found.header) == (
        *("MIT", "generic"),
        read_header(small_gguf),
    )


def test_a_file_that_changed_is_refused_until_it_is_verified(
    small_gguf: Path, tmp_path: Path
) -> None:
    store = installed(tmp_path / "models", small_gguf)
    path = tmp_path / "models" / "small" / "small.gguf"
    os.utime(path, (1, 1))
    with pytest.raises(InvalidModelFile, match="miro-edge models verify small"):
        store.find("small")
    assert store.verify("small").path == path
    assert store.find("small") is not None


def test_a_file_with_other_bytes_leaves_the_store(small_gguf: Path, tmp_path: Path) -> None:
    store = installed(tmp_path / "models", small_gguf)
    path = tmp_path / "models" / "small" / "small.gguf"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(HashMismatch, match="miro-edge models pull small"):
        store.verify("small")
    assert store.find("small") is None


def test_a_file_of_the_users_own(small_gguf: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models", catalogue(small_gguf))
    assert store.add("mine", small_gguf).path.is_file()
    assert store.names() == ("mine",)
    with pytest.raises(ModelError, match="already"):
        store.add("mine", small_gguf)
    with pytest.raises(ModelError, match="already"):
        store.add("small", small_gguf)
    with pytest.raises(ModelError, match="cannot be the name"):
        store.add("../mine", small_gguf)
    store.remove("mine")
    assert store.names() == ()
    assert small_gguf.is_file()
    with pytest.raises(UnknownModel):
        store.remove("mine")
    with pytest.raises(UnknownModel):
        store.remove("..")


def test_a_path_is_a_model_too_and_read_once(small_gguf: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models", catalogue(small_gguf))
    first = store.resolve(str(small_gguf))
    assert first is not None
    assert first.header == read_header(small_gguf)
    assert store.resolve(str(small_gguf)) == first
    assert store.resolve("small") is None


def test_an_unknown_name_is_said_with_what_is_like_it(small_gguf: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models", catalogue(small_gguf))
    with pytest.raises(UnknownModel, match="Did you mean: small"):
        store.resolve("smal")
