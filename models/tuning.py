"""Measures which settings suit a model on this machine: threads, batch, cache type, repacking.

One setting after the other is changed, and kept where a step of the agent gets faster.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from .engine import Engine
from .engine_settings import EngineSettings
from .gguf_file import read_header
from .machine import free_memory, usable_cores
from .memory import memory_need, require_memory
from .tuned import Tuned

_STEP_PROMPT = 300
_STEP_DRAWN = 30
"""Tokens that a step of the agent reads and draws: a tool result, and a query or a thought."""
_CLEARLY = 0.95
"""A change has to make a step at least so much shorter; less than that may be chance."""
_DEPTH = 256
_PROMPT = 512
_DRAWN = 12
_PROBE = 32
_LONGEST = 6.0
"""Seconds that one trial may take; a slow model is measured on fewer tokens."""
_TOKENS = 200
"""Ordinary tokens repeat in what is decoded: which ones does not change the time."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What one combination of settings reached, in tokens per second."""

    changed: str
    """What differs from the settings that were best before, in words."""
    settings: EngineSettings
    prompt_speed: float
    drawing_speed: float
    kept: bool = True
    """Whether it was clearly better than what was best before."""

    @property
    def step_seconds(self) -> float:
        """Seconds of a typical step."""
        return _STEP_PROMPT / self.prompt_speed + _STEP_DRAWN / self.drawing_speed

    @property
    def tuned(self) -> Tuned:
        """What to remember of it."""
        made_with = self.settings
        return Tuned(made_with.threads, made_with.batch, made_with.kv_type, made_with.repack)


def tune(path: Path, seconds: float = 30.0) -> Iterator[Trial]:
    """Measure the defaults, then one change after the other, for about so many seconds.

    A change that helped is `kept`, and part of what is tried after it; the last trial that was kept
    is the best. What would not fit into memory is not tried. Raises ModelError.
    """
    defaults = EngineSettings(threads=usable_cores())
    header, size = read_header(path), path.stat().st_size
    require_memory(path, header, defaults)
    deadline = time.monotonic() + seconds
    best = _measure(path, defaults, "defaults")
    yield best
    for field, value, words in _changes():
        if time.monotonic() > deadline:
            return
        changed = replace(best.settings, **{field: value})
        if changed == best.settings or memory_need(size, header, changed).total > free_memory():
            continue
        trial = _measure(path, changed, words)
        if trial.step_seconds < best.step_seconds * _CLEARLY:
            best = trial
            yield trial
        else:
            yield replace(trial, kept=False)


def _changes() -> list[tuple[str, Any, str]]:
    """List what is tried, what matters most first."""
    cores, hardware_threads = usable_cores(), psutil.cpu_count() or 1
    threads = dict.fromkeys([hardware_threads, max(1, cores // 2), max(1, cores - 1)])
    return [
        ("repack", True, "weights repacked"),
        *(
            ("threads", n, "1 thread" if n == 1 else f"{n} threads")
            for n in threads
            if n <= 2 * cores
        ),
        *(("batch", n, f"batch of {n}") for n in (256, 64, 512)),
        ("kv_type", "q8_0", "cache q8_0"),
    ]


def _measure(path: Path, settings: EngineSettings, changed: str) -> Trial:
    with Engine(path, settings) as engine:
        speed = _decoding_speed(engine, _PROBE, 1)
        share = min(1.0, speed * _LONGEST / (_DEPTH + _PROMPT))
        _decode(engine, round(_DEPTH * share))
        prompt_speed = _decoding_speed(engine, max(_PROBE, round(_PROMPT * share)), 1)
        drawing_speed = _decoding_speed(engine, 1, _DRAWN)
    return Trial(changed, settings, prompt_speed, drawing_speed)


def _decoding_speed(engine: Engine, tokens: int, times: int) -> float:
    """Return the tokens per second of decoding so many tokens so many times."""
    began = time.perf_counter()
    for _ in range(times):
        _decode(engine, tokens)
    return tokens * times / (time.perf_counter() - began)


def _decode(engine: Engine, count: int) -> None:
    start = engine.last_position + 1
    engine.decode([_TOKENS + position % _TOKENS for position in range(count)], start)
