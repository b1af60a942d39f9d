"""What llama.cpp says while it works: kept for error messages, never printed."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator

import llama_cpp

_ERROR = 4  # GGML_LOG_LEVEL_ERROR


class LlamaLog:
    """The error messages of llama.cpp since collecting began."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def reason(self) -> str:
        """Return its last words about a failure, as one phrase."""
        said = [line for line in self.errors if line]
        return said[-1].split(": ", 1)[-1].rstrip(".") if said else "it gave no reason"


_lock = threading.Lock()
_log = LlamaLog()


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _keep(level: int, text: bytes, _: object) -> None:
    if level == _ERROR:
        _log.errors.append(text.decode("utf-8", errors="replace").strip())


@contextlib.contextmanager
def captured_log() -> Iterator[LlamaLog]:
    """Collect llama.cpp's error messages; its log is global, so one collector at a time."""
    with _lock:
        _log.errors.clear()
        llama_cpp.llama_log_set(_keep, ctypes.c_void_p(0))
        yield _log
