"""Memory is planned before a model is loaded: what it takes, and what would fit instead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.models import (
    EngineSettings,
    GgufHeader,
    NotEnoughMemory,
    memory,
    memory_need,
    require_memory,
)
from edge_agent.models.memory import fitting_kv_type

MIB = 1024**2
HEADER = GgufHeader("qwen2", "", 32768, 28, 12, 2, 1536, 151936)
SIZE = 1000 * MIB


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of a thousand MiB that takes no room on the disk."""
    path = tmp_path / "model.gguf"
    with path.open("wb") as file:
        file.truncate(SIZE)
    return path


def free(monkeypatch: pytest.MonkeyPatch, mebibytes: float) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: int(mebibytes * MIB))


def total(settings: EngineSettings) -> float:
    return memory_need(SIZE, HEADER, settings).total / MIB


def test_the_cache_is_reckoned_from_the_shape_of_the_model() -> None:
    need = memory_need(SIZE, HEADER, EngineSettings())
    assert need.cache == 28 * 4096 * 2 * 2 * 128 * 2  # layers, window, heads, k and v, width, bytes
    halved = memory_need(SIZE, HEADER, EngineSettings(kv_type="q8_0"))
    assert halved.cache / need.cache == pytest.approx(0.53, abs=0.01)
    wide = memory_need(SIZE, replace(HEADER, head_width=256), EngineSettings())
    assert wide.cache == 2 * need.cache


def test_repacked_weights_and_larger_batches_take_more() -> None:
    plain = memory_need(SIZE, HEADER, EngineSettings())
    assert memory_need(SIZE, HEADER, EngineSettings(repack=True)).weights > 1.5 * plain.weights
    assert memory_need(SIZE, HEADER, EngineSettings(batch=512)).buffers > 2 * plain.buffers


def test_what_fits_is_let_through(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, total(EngineSettings()) + 1)
    require_memory(weights, HEADER, EngineSettings())


def test_a_smaller_cache_type_is_advised_first(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, total(EngineSettings(kv_type="q8_0")) + 1)
    with pytest.raises(NotEnoughMemory, match=r"\d+ MB too few.*with --kv-type q8_0\.$"):
        require_memory(weights, HEADER, EngineSettings())


def test_then_a_smaller_window_that_fits(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, total(EngineSettings(kv_type="q8_0")) - 10)
    with pytest.raises(NotEnoughMemory, match=r"--context (\d+) --kv-type q8_0") as raised:
        require_memory(weights, HEADER, EngineSettings())
    window = int(str(raised.value).split("--context ")[1].split()[0])
    assert 512 <= window < 4096
    require_memory(weights, HEADER, EngineSettings(context=window, kv_type="q8_0"))


def test_then_the_largest_model_that_fits(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 900)
    others = {"tiny": 100 * MIB, "small": 500 * MIB, "huge": 5000 * MIB}
    with pytest.raises(NotEnoughMemory, match="--model small"):
        require_memory(weights, HEADER, EngineSettings(), others)
    free(monkeypatch, 50)
    with pytest.raises(NotEnoughMemory, match="Close other programs"):
        require_memory(weights, HEADER, EngineSettings(), others)


def test_the_cache_is_f16_while_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, total(EngineSettings()) + 1)
    assert fitting_kv_type(SIZE, HEADER, EngineSettings()).kv_type == "f16"
    free(monkeypatch, total(EngineSettings()) - 1)
    assert fitting_kv_type(SIZE, HEADER, EngineSettings()).kv_type == "q8_0"


def test_a_model_without_a_cache_is_refused_in_words(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 300)
    with pytest.raises(NotEnoughMemory, match="Close other programs"):
        require_memory(weights, replace(HEADER, kv_heads=0), EngineSettings())
