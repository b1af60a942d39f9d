"""What llama.cpp is asked for when a model is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import llama_cpp
import pytest

from edge_agent.models import EngineSettings
from edge_agent.models.engine import Engine

LOADING, MAKING = "llama_model_load_from_file", "llama_init_from_model"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The parameters that llama.cpp was given last, by the name of the function."""
    given: dict[str, Any] = {}

    def watch(name: str) -> None:
        function = getattr(llama_cpp, name)

        def watched(first: Any, parameters: Any) -> Any:
            given[name] = parameters
            return function(first, parameters)

        monkeypatch.setattr(llama_cpp, name, watched)

    watch(LOADING)
    watch(MAKING)
    return given


@pytest.mark.parametrize(
    ("settings", "kind", "mode"),
    [
        (
            EngineSettings(
                context=512, batch=64, kv_type="q8_0", threads=3, repack=True, lock=True
            ),
            llama_cpp.GGML_TYPE_Q8_0,
            llama_cpp.LLAMA_LOAD_MODE_MMAP_MLOCK,
        ),
        (
            EngineSettings(context=256, batch=32, threads=1, whole_window=False),
            llama_cpp.GGML_TYPE_F16,
            llama_cpp.LLAMA_LOAD_MODE_MMAP,
        ),
    ],
)
def test_what_is_set_is_what_is_asked_for(
    settings: EngineSettings, kind: int, mode: int, asked: dict[str, Any], smollm2: Path
) -> None:
    Engine(smollm2, settings).close()
    loading, making = asked[LOADING], asked[MAKING]
    assert (loading.load_mode, loading.use_extra_bufts) == (mode, settings.repack)
    assert making.n_ctx == settings.context
    assert (making.n_batch, making.n_ubatch) == (settings.batch, settings.batch)
    assert (making.n_threads, making.n_threads_batch) == (settings.threads, settings.threads)
    assert (making.type_k, making.type_v) == (kind, kind)
    assert making.swa_full == settings.whole_window
