"""Whether a model fits into this machine's memory, reckoned before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

from .engine_settings import EngineSettings
from .errors import NotEnoughMemory
from .gguf_file import GgufHeader

_MIB = 1024**2
_KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32}  # q8_0: 32 values share a two-byte scale
_OVERHEAD = 96 * _MIB
"""The interpreter, the index, and what llama.cpp allocates whatever the model."""


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes that a loaded model takes."""

    weights: int
    cache: int
    buffers: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.buffers


def memory_need(size: int, header: GgufHeader, settings: EngineSettings) -> MemoryNeed:
    """Reckon what a model file of `size` bytes needs with a window of `settings.context` tokens.

    The cache holds, for each layer and position, a key and a value for every key-value head. The
    compute buffer is dominated by the logits and the widest activations of one batch of floats.
    """
    head_width = header.embedding_length // max(1, header.heads)
    cache = (
        header.layers
        * settings.context
        * header.kv_heads
        * 2
        * head_width
        * _KV_BYTES[settings.kv_type]
    )
    widest = header.vocabulary + 8 * header.embedding_length
    return MemoryNeed(
        weights=size, cache=round(cache), buffers=4 * settings.batch * widest + _OVERHEAD
    )


def free_memory() -> int:
    """Return the bytes that can be used without swapping."""
    return int(psutil.virtual_memory().available)


def require_memory(path: Path, header: GgufHeader, settings: EngineSettings) -> None:
    """Raise NotEnoughMemory, saying what would fit, where a model is too large for what is free."""
    need = memory_need(path.stat().st_size, header, settings)
    free = free_memory()
    if need.total <= free:
        return
    smaller = EngineSettings(context=settings.context, kv_type="q8_0")
    if memory_need(path.stat().st_size, header, smaller).total <= free:
        advice = "A key-value cache of type q8_0 would fit."
    elif need.total - need.cache < free:
        tokens = int(settings.context * (free - need.total + need.cache) / need.cache)
        advice = f"A window of --context {tokens // 256 * 256} would fit."
    else:
        advice = "Choose a smaller model (see: miro-edge models list) or close other programs."
    raise NotEnoughMemory(
        f"The model {path.name} needs {need.total / _MIB:,.0f} MiB of memory with a window of "
        f"{settings.context} tokens, and {free / _MIB:,.0f} MiB are free. {advice}"
    )
