"""The catalogue that ships, and what may stand in one."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent.models import UnknownModel, load_catalog
from edge_agent.models.cards import head_of
from edge_agent.models.catalog import Catalog, CatalogEntry, CatalogFile, WheelSource
from edge_agent.models.hashing import sha256_of

CATALOG = load_catalog()
FILES = [pytest.param(file, id=file.name) for entry in CATALOG.models for file in entry.files]


def test_its_default_is_one_of_its_models() -> None:
    assert CATALOG.get(CATALOG.default).profile in {"generic", "edge"}


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
    assert CATALOG.bytes_of(embedder) == sum(file.bytes or 0 for file in embedder.files)
    assert CATALOG.bytes_of(CATALOG.get("mirothinker-v1.0-8b")) is None


def test_the_adapters_of_students_are_there_with_their_cards() -> None:
    for entry in CATALOG.models:
        if entry.adapter is not None:
            path = CATALOG.adapters / entry.adapter.name
            assert sha256_of(path) == entry.adapter.sha256
            assert path.stat().st_size == entry.adapter.bytes <= 40_000_000
            card = CATALOG.card_of(entry)
            assert card is not None
            assert head_of(card)


FILE = {"name": "x", "sources": [{"kind": "file", "path": "x"}]}
WHOLE = {"name": "whole", "title": "", "licence": "", "profile": "generic", "files": [FILE]}
STUDENT = {"name": "student", "title": "", "licence": "", "profile": "edge", "base": "whole",
           "adapter": {"name": "student.gguf", "bytes": 1, "sha256": "0" * 64}}  # fmt: skip


@pytest.mark.parametrize(
    "entry",
    [
        {**STUDENT, "base": None},
        {**STUDENT, "adapter": None},
        {**STUDENT, "files": [FILE]},
        {**STUDENT, "base": None, "adapter": None},
    ],
)
def test_a_model_is_either_files_or_an_adapter_over_a_base(entry: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="either files, or a base and an adapter"):
        CatalogEntry.model_validate(entry)


def test_a_student_needs_its_base_in_the_catalogue() -> None:
    names = {"default": "student", "embedder": "whole"}
    whole = Catalog.model_validate({**names, "models": [WHOLE, STUDENT]})
    assert whole.get("student").base == "whole"
    with pytest.raises(ValidationError, match="no files for the bases whole"):
        Catalog.model_validate({**names, "models": [STUDENT]})
    with pytest.raises(ValidationError, match="there is no tiny"):
        Catalog.model_validate({**names, "models": [WHOLE], "default_small": "tiny"})


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
