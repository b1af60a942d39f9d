"""LoRA adapters: applied over mapped weights, and never over a cache of other values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from plans import one
from students import SMOLLM2_SHAPES
from tiny_models import write_adapter

from edge_agent.cli import main
from edge_agent.models import (
    Adapter,
    EngineSettings,
    InvalidModelFile,
    ModelLoadError,
    ModelStore,
    Sample,
    Sampling,
    SpanKind,
    UnknownModel,
)
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adapter(tmp_path_factory.mktemp("lora") / "own.gguf", "llama", SMOLLM2_SHAPES)


@contextmanager
def begun(smollm2: Path, adapter: Adapter | None = None) -> Iterator[Session]:
    """Lend a session of the model under an adapter, with a system prompt."""
    settings = EngineSettings(context=1024, threads=1, adapter=adapter)
    with Engine(smollm2, settings) as engine:
        session = Session(engine)
        session.append(SpanKind.SYSTEM, "You answer briefly. " * 10, trusted=True)
        yield session


def answer(smollm2: Path, adapter: Adapter | None = None) -> str:
    with begun(smollm2, adapter) as session:
        session.append(SpanKind.QUESTION, "Name three colours.")
        return "".join(piece.text for piece in session.generate(one(Sample(12)), Sampling(), 1))


def test_an_adapter_changes_what_is_written_by_its_scale(smollm2: Path, adapter: Path) -> None:
    plain = answer(smollm2)
    assert answer(smollm2, Adapter(adapter)) != plain
    assert answer(smollm2, Adapter(adapter, scale=0.0)) == plain


@pytest.mark.skipif(
    not hasattr(psutil.Process, "memory_maps"), reason="this system does not say what is mapped"
)
def test_the_weights_stay_mapped_under_an_adapter(smollm2: Path, adapter: Path) -> None:
    with begun(smollm2, Adapter(adapter)):
        mapped = {Path(each.path) for each in psutil.Process().memory_maps()}
        assert smollm2.resolve() in {path.resolve() for path in mapped}


def test_a_prefix_is_not_taken_from_another_adapter(
    smollm2: Path, adapter: Path, tmp_path: Path
) -> None:
    for each in (None, Adapter(adapter), Adapter(adapter, scale=0.5)):
        with begun(smollm2, each) as session:
            assert not session.load_prefix(tmp_path)
            session.save_prefix(tmp_path)
    with begun(smollm2, Adapter(adapter)) as session:
        assert session.load_prefix(tmp_path)


def test_an_adapter_of_another_model_is_refused(smollm2: Path, tmp_path: Path) -> None:
    foreign = write_adapter(tmp_path / "foreign.gguf", "qwen2", {"blk.0.attn_v.weight": (8, 8)})
    for path in (foreign, tmp_path / "missing.gguf"):
        with (
            pytest.raises(ModelLoadError, match=path.name),
            Engine(smollm2, EngineSettings(context=256, adapter=Adapter(path))),
        ):
            pass


def test_an_adapter_is_added_over_its_base(
    home: Path, smollm2: Path, adapter: Path, tmp_path: Path
) -> None:
    store = ModelStore(home / "models")
    store.add("base", smollm2)
    added = store.add("student", adapter, base="base")
    assert (added.path, added.profile) == (store.root / "base" / "base.gguf", "generic")
    assert added.adapter == store.root / "student" / "student.gguf"
    assert store.verify("student") == added
    assert store.find("student") == added
    shown = CliRunner().invoke(main, ["models", "info", "student", "--json"])
    assert json.loads(shown.stdout)["adapter"] == str(added.adapter)
    store.remove("base")
    with pytest.raises(UnknownModel, match="models add base"):
        store.find("student")


def test_what_is_no_adapter_of_the_base_is_not_added(
    home: Path, smollm2: Path, adapter: Path, tmp_path: Path
) -> None:
    store = ModelStore(home / "models")
    store.add("base", smollm2)
    foreign = write_adapter(tmp_path / "foreign.gguf", "qwen2", {"blk.0.attn_v.weight": (8, 8)})
    with pytest.raises(InvalidModelFile, match="--base"):
        store.add("student", adapter)
    with pytest.raises(InvalidModelFile, match="without --base"):
        store.add("student", smollm2, base="base")
    with pytest.raises(InvalidModelFile, match="qwen2"):
        store.add("student", foreign, base="base")
    with pytest.raises(UnknownModel, match="nothing"):
        store.add("student", adapter, base="nothing")
    with pytest.raises(InvalidModelFile, match="models add NAME"):
        store.resolve(str(adapter))
    assert store.names() == ("base",)
