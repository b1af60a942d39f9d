"""What a model is loaded with: window, batch, cache type, threads, weights in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

DEFAULT_CONTEXT = 4096
"""Tokens of the window: short ones are faster, not only smaller."""

KvType: TypeAlias = Literal["f16", "q8_0"]


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter in GGUF, and how strongly it is applied."""

    path: Path
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What a context is made with; the defaults suit two to eight CPU cores."""

    context: int = DEFAULT_CONTEXT
    """Window, in tokens."""
    batch: int = 128
    """Tokens in one call into llama.cpp: 128 beats 512 at depth, and bounds the wait for Ctrl-C."""
    kv_type: KvType = "f16"
    """Type of the key-value cache: q8_0 halves its memory and, at depth, its speed."""
    threads: int = 0
    """Threads; 0 takes the usable physical cores."""
    gpu_layers: int = -1
    """Layers on a GPU where llama.cpp was built for one; -1 takes all."""
    repack: bool = False
    """Whether llama.cpp keeps a second copy of the weights, rearranged for this processor.

    It draws tokens faster and, on some processors, reads prompts slower; it takes memory.
    """
    lock: bool = False
    """Whether the system is asked never to swap the weights out (mlock)."""
    whole_window: bool = True
    """Whether sliding-window layers keep all of the window, which lets it be cut and rolled back.

    Without it they take less memory, and a cut decodes again what follows it.
    """
    adapter: Adapter | None = None
    """What is applied to the weights, if anything."""
