"""What a model is loaded with: window, batch, cache type, threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

KvType: TypeAlias = Literal["f16", "q8_0"]


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What a context is made with; the defaults suit two to eight CPU cores."""

    context: int = 4096
    """Window, in tokens."""
    batch: int = 128
    """Tokens in one call into llama.cpp: 128 beats 512 at depth, and bounds the wait for Ctrl-C."""
    kv_type: KvType = "f16"
    """Type of the key-value cache: q8_0 halves its memory and, at depth, its speed."""
    threads: int = 0
    """Threads; 0 takes the physical cores."""
    gpu_layers: int = -1
    """Layers on a GPU where llama.cpp was built for one; -1 takes all."""
