"""Whether a model fits into this machine's memory, reckoned before it is loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .engine_settings import EngineSettings
from .errors import NotEnoughMemory
from .gguf_file import GgufHeader
from .machine import free_memory
from .sizes import megabytes

_KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32}  # q8_0: 32 values share a two-byte scale
_OVERHEAD = 96 * 1024**2
"""The interpreter, the index, and what llama.cpp allocates whatever the model."""
_REPACKED = 0.7
"""Share of the weights that llama.cpp copies at most when it repacks them."""
_ROOM_FOR_CACHE = 1.3
"""Memory that a model takes, as a multiple of its file, before its header can be read."""
_SMALLEST_WINDOW = 512
_WINDOW_STEP = 256


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
    """Reckon what files of `size` bytes need with a window of `settings.context` tokens.

    The cache holds, for each layer and position, a key and a value for every key-value head. The
    compute buffer is dominated by the logits and the widest activations of one batch of floats.
    """
    head_width = header.head_width or header.embedding_length // max(1, header.heads)
    values = header.layers * settings.context * header.kv_heads * 2 * head_width
    widest = header.vocabulary + 8 * header.embedding_length
    return MemoryNeed(
        weights=round(size * (1 + _REPACKED)) if settings.repack else size,
        cache=round(values * _KV_BYTES[settings.kv_type]),
        buffers=4 * settings.batch * widest + _OVERHEAD,
    )


def expected_need(
    size: int | None, header: GgufHeader | None, settings: EngineSettings
) -> int | None:
    """Return the bytes of memory that files of `size` bytes will need; None where that is unknown.

    Before a header can be read it is a guess from the size alone.
    """
    if size is None:
        return None
    if header is None:
        return round(size * _ROOM_FOR_CACHE)
    return memory_need(size, header, settings).total


def fitting_kv_type(size: int, header: GgufHeader, settings: EngineSettings) -> EngineSettings:
    """Return `settings` with an f16 cache while that fits into what is free, else with q8_0."""
    roomy = replace(settings, kv_type="f16")
    if memory_need(size, header, roomy).total <= free_memory():
        return roomy
    return replace(settings, kv_type="q8_0")


def require_memory(
    path: Path,
    header: GgufHeader,
    settings: EngineSettings,
    alternatives: Mapping[str, int] | None = None,
) -> None:
    """Raise NotEnoughMemory, saying what would fit, where a model is too large for what is free.

    The adapter in `settings` is loaded beside the weights. `alternatives` are the sizes of other
    models, in bytes, by name.
    """
    size, title = path.stat().st_size, path.name
    if settings.lock:
        _require_lockable(size)
    if settings.adapter is not None:
        size += settings.adapter.path.stat().st_size
        title += f" with the adapter {settings.adapter.path.name}"
    need, free = memory_need(size, header, settings).total, free_memory()
    if need <= free:
        return
    raise NotEnoughMemory(
        f"The model {title} needs {megabytes(need)} MB of memory with a window of "
        f"{settings.context} tokens, and {megabytes(free)} MB are free: "
        f"{megabytes(need - free)} MB too few. "
        f"{_advice(size, header, settings, alternatives or {})}"
    )


def _require_lockable(size: int) -> None:
    """Raise NotEnoughMemory where the system lets this process lock fewer bytes than `size`."""
    if sys.platform == "win32" or os.geteuid() == 0:
        return
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if limit not in (resource.RLIM_INFINITY, -1) and limit < size:
        raise NotEnoughMemory(
            f"--mlock would lock {megabytes(size)} MB, and this system allows "
            f"{megabytes(limit)} MB. Raise the limit (ulimit -l), or leave --mlock out."
        )


def _advice(
    size: int, header: GgufHeader, settings: EngineSettings, alternatives: Mapping[str, int]
) -> str:
    """Say what fits: another cache type, a smaller window, a smaller model."""
    free = free_memory()
    lean = replace(settings, kv_type="q8_0", repack=False)
    if memory_need(size, header, lean).total <= free:
        return "It would fit with --kv-type q8_0."
    smallest = memory_need(size, header, replace(lean, context=0))
    for_each_token = memory_need(size, header, lean).cache / settings.context
    fitting_tokens = (free - smallest.total) / for_each_token if for_each_token else 0
    window = int(fitting_tokens) // _WINDOW_STEP * _WINDOW_STEP
    if window >= _SMALLEST_WINDOW:
        return f"It would fit with --context {window} --kv-type q8_0."
    beside = memory_need(0, header, lean).total
    fitting = [name for name, other in alternatives.items() if other + beside <= free]
    if fitting:
        best = max(fitting, key=lambda name: alternatives[name])
        return f"The model {best} would fit: --model {best}"
    return "Close other programs, or choose a smaller model (see: miro-edge models list)."
