"""What benchmarks share: it measures the same wherever they run."""

from __future__ import annotations

import resource
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCH = Path(__file__).parent.parent / "scripts" / "bench"


@pytest.mark.parametrize(("system", "given"), [("linux", 2048), ("darwin", 2048 * 1024)])
def test_peak_memory_is_in_bytes_on_every_system(
    system: str, given: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_maxrss=given))
    assert runpy.run_path(str(BENCH / "peak_memory.py"))["peak_resident"]() == 2 * 1024**2
