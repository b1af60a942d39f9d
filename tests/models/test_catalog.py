"""The catalogue that ships, and what may stand in one."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from pydantic import ValidationError

from edge_agent.models import UnknownModel, load_catalog
from edge_agent.models.catalog import CatalogFile, WheelSource

CATALOG = load_catalog()
FILES = [pytest.param(file, id=file.name) for entry in CATALOG.models for file in entry.files]


def test_its_default_is_one_of_its_models() -> None:
    assert CATALOG.get(CATALOG.default).profile == "generic"


def test_no_name_is_given_twice() -> None:
    names = [entry.name for entry in CATALOG.models]
    assert len(set(names)) == len(names) >= 6


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_trusted_by_its_hash_or_by_the_hubs(file: CatalogFile) -> None:
    if file.sha256 is None:
        assert {source.kind for source in file.sources} == {"hf"}
    else:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.bytes is not None


@pytest.mark.parametrize("file", FILES)
def test_the_parts_of_a_wheel_have_names_of_their_own(file: CatalogFile) -> None:
    for source in file.sources:
        if isinstance(source, WheelSource):
            numbers = range(1, source.parts + 1)
            assert len({source.package.format(part=n) for n in numbers}) == source.parts
            assert (
                source.parts == 1
                or len({source.member.format(part=n, index=n - 1) for n in numbers}) > 1
            )


def test_the_size_of_a_model_is_that_of_all_its_files() -> None:
    embedder = CATALOG.get("minilm-l6")
    assert embedder.bytes == sum(file.bytes or 0 for file in embedder.files)
    assert CATALOG.get("mirothinker-v1.0-8b").bytes is None


def test_an_unknown_name_is_said_with_what_is_like_it() -> None:
    with pytest.raises(UnknownModel, match=r"Did you mean: smollm2-135m\?.* models list"):
        CATALOG.get("smollm-135m")


def test_a_source_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ValidationError):
        CatalogFile.model_validate({"name": "x", "sources": [{"kind": "ftp", "path": "x"}]})


def test_importing_models_loads_nothing_heavy() -> None:
    heavy = {"llama_cpp", "gguf", "huggingface_hub", "numpy"}
    script = f"import sys, edge_agent.models; print(sorted({heavy} & sys.modules.keys()))"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert loaded.stdout.strip() == "[]", loaded.stderr
