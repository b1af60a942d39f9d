"""One model in llama.cpp: tokens in, logits out, and the key-value cache by position.

The only module that holds native handles of a model. It knows tokens and positions; what they
mean is the session's business.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt
import psutil

from .decoding import Sampling
from .engine_settings import EngineSettings
from .errors import ContextFull, ModelLoadError
from .sampler import Sampler

_KV_TYPES = {"f16": llama_cpp.GGML_TYPE_F16, "q8_0": llama_cpp.GGML_TYPE_Q8_0}
_SEQUENCE = 0
_NO_SLOT = 1  # what llama_decode returns when the cache has no room left


class Engine:
    """A loaded model with one context of one sequence.

    Not safe for two threads at once. Close it, or use it as a context manager.
    """

    def __init__(self, path: Path, settings: EngineSettings | None = None) -> None:
        """Load the GGUF at `path`, memory-mapped.

        Raises ModelLoadError when llama.cpp cannot load it or make the context.
        """
        self.path = path
        self.settings = settings or EngineSettings()
        self._model: object | None = None
        self._context: object | None = None
        with _captured_log() as log:
            self._model = _load_model(path, self.settings)
            if not self._model:
                raise ModelLoadError(
                    f"llama.cpp cannot load the model {path}: {log.reason()}. "
                    "Check the file with: miro-edge models verify, or pull the model again."
                )
            self._context = _make_context(self._model, self.settings)
        if not self._context:
            self.close()
            raise ModelLoadError(
                f"llama.cpp cannot make a context of {self.settings.context} tokens for {path}: "
                f"{log.reason()}. Try a smaller --context."
            )
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self.vocabulary_size: int = llama_cpp.llama_vocab_n_tokens(self._vocabulary)

    def close(self) -> None:
        """Free the context and the weights."""
        if self._context:
            llama_cpp.llama_free(self._context)
        if self._model:
            llama_cpp.llama_model_free(self._model)
        self._context = self._model = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Text and tokens

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Return the tokens of `text`; control tokens are recognised only where `special`."""
        data = text.encode("utf-8", errors="replace")
        tokens = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(
            self._vocabulary, data, len(data), tokens, len(tokens), False, special
        )
        return list(tokens[:count])

    def bytes_of(self, token: int) -> bytes:
        """Return the bytes that `token` stands for; control tokens stand for none."""
        for size in (64, 4096):
            buffer = ctypes.create_string_buffer(size)
            count = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, size, 0, False)
            if count >= 0:
                return bytes(buffer.raw[:count])
        return b""

    def ends_turn(self, token: int) -> bool:
        """Tell whether the model ends its message with `token`."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocabulary, token))

    @property
    def beginning(self) -> list[int]:
        """The tokens that every text of this model begins with: its BOS token, or none."""
        if not llama_cpp.llama_vocab_get_add_bos(self._vocabulary):
            return []
        return [int(llama_cpp.llama_vocab_bos(self._vocabulary))]

    @property
    def chat_template(self) -> str | None:
        """The model's own Jinja chat template, or None."""
        template = llama_cpp.llama_model_chat_template(self._model, None)
        return template.decode("utf-8", errors="replace") if template else None

    @property
    def beginning_text(self) -> str:
        """The tokens of `beginning` as chat templates write them."""
        texts = (llama_cpp.llama_vocab_get_text(self._vocabulary, t) for t in self.beginning)
        return "".join(text.decode("utf-8", errors="replace") for text in texts)

    # Positions

    @property
    def context(self) -> int:
        """The window, in tokens."""
        return int(llama_cpp.llama_n_ctx(self._context))

    @property
    def last_position(self) -> int:
        """The highest position in llama.cpp's cache; -1 when it is empty."""
        return int(llama_cpp.llama_memory_seq_pos_max(self._memory, _SEQUENCE))

    @property
    def can_shift(self) -> bool:
        """Whether cached cells may be moved to other positions without aborting the process."""
        return (
            bool(llama_cpp.llama_memory_can_shift(self._memory))
            and not llama_cpp.llama_model_is_recurrent(self._model)
            and not llama_cpp.llama_model_is_hybrid(self._model)
        )

    def decode(self, tokens: Sequence[int], position: int) -> None:
        """Decode `tokens` from `position` on; the logits of the last one are kept.

        Raises ContextFull when the window has no room for them.
        """
        for start in range(0, len(tokens), self.settings.batch):
            part = tokens[start : start + self.settings.batch]
            array = (llama_cpp.llama_token * len(part))(*part)
            if self.last_position + 1 != position + start:
                raise AssertionError("the cache and the session disagree about positions")
            batch = llama_cpp.llama_batch_get_one(array, len(part))
            status = llama_cpp.llama_decode(self._context, batch)
            if status == _NO_SLOT:
                raise ContextFull(
                    f"The window of {self.context} tokens is full. Use a larger --context."
                )
            if status != 0:
                raise ModelLoadError(
                    f"llama.cpp failed to decode with {self.path} (status {status}). "
                    "Close other programs if memory is short, then try again."
                )

    def remove(self, start: int, end: int) -> bool:
        """Forget the cells of positions [start, end); end -1 means all that follow."""
        return bool(llama_cpp.llama_memory_seq_rm(self._memory, _SEQUENCE, start, end))

    def shift(self, start: int, by: int) -> None:
        """Move the cells from `start` on by `by` positions; only where `can_shift`."""
        llama_cpp.llama_memory_seq_add(self._memory, _SEQUENCE, start, -1, by)

    def clear(self) -> None:
        """Forget everything that was decoded."""
        llama_cpp.llama_memory_clear(self._memory, True)

    # Drawing tokens

    def logits(self) -> npt.NDArray[np.float32]:
        """Return the logits of the last decoded token: a view, valid until the next decode."""
        pointer = llama_cpp.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(pointer, shape=(self.vocabulary_size,))

    def sampler(self, sampling: Sampling, seed: int, grammar: str | None = None) -> Sampler:
        """Make a sampler over this vocabulary. Raises GrammarError."""
        return Sampler(self._vocabulary, self.vocabulary_size, sampling, seed, grammar)

    # States on disk

    def save_state(self, path: Path, tokens: Sequence[int]) -> bool:
        """Write the cache that `tokens` were decoded into; false when llama.cpp could not."""
        array = (llama_cpp.llama_token * len(tokens))(*tokens)
        return bool(
            llama_cpp.llama_state_seq_save_file(
                self._context, str(path).encode(), _SEQUENCE, array, len(tokens)
            )
        )

    def load_state(self, path: Path, tokens: Sequence[int]) -> bool:
        """Load a state that was saved for exactly `tokens`; false, and an empty cache, otherwise.

        llama.cpp reports a token count even where it loaded nothing, so its return value and the
        tokens in the file both have to agree.
        """
        capacity = len(tokens) + 1
        array = (llama_cpp.llama_token * capacity)()
        count = ctypes.c_size_t(0)
        with _captured_log():
            loaded = llama_cpp.llama_state_seq_load_file(
                self._context, str(path).encode(), _SEQUENCE, array, capacity, ctypes.byref(count)
            )
        if loaded and list(array[: count.value]) == list(tokens):
            return True
        self.clear()
        return False


def _load_model(path: Path, settings: EngineSettings) -> object:
    parameters = llama_cpp.llama_model_default_params()
    parameters.n_gpu_layers = settings.gpu_layers if _has_gpu() else 0
    return llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)


def _make_context(model: object, settings: EngineSettings) -> object:
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = settings.context
    parameters.n_batch = parameters.n_ubatch = settings.batch
    parameters.n_threads = parameters.n_threads_batch = settings.threads or physical_cores()
    parameters.type_k = parameters.type_v = _KV_TYPES[settings.kv_type]
    # False would mean *disabled*, with which a quantized V cache cannot be made.
    parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO
    # A full-size cache for sliding-window layers is what lets them be rolled back.
    parameters.swa_full = True
    parameters.no_perf = True
    return llama_cpp.llama_init_from_model(model, parameters)


def _has_gpu() -> bool:
    return bool(llama_cpp.llama_supports_gpu_offload())


def physical_cores() -> int:
    """Return how many physical cores this process may count on, at least one."""
    return psutil.cpu_count(logical=False) or psutil.cpu_count() or 1


def system_information() -> str:
    """Return the CPU features and back ends that llama.cpp was built with, in its own words."""
    with _captured_log():
        return str(llama_cpp.llama_print_system_info().decode("utf-8", errors="replace")).strip()


class _Log:
    """What llama.cpp said while it worked: kept, never printed."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def reason(self) -> str:
        """Return its last words about a failure, as one phrase."""
        said = [line for line in self.errors if line]
        return said[-1].split(": ", 1)[-1].rstrip(".") if said else "it gave no reason"


_log_lock = threading.Lock()
_log = _Log()


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _keep_log(level: int, text: bytes, _: object) -> None:
    if level == _GGML_LOG_LEVEL_ERROR:
        _log.errors.append(text.decode("utf-8", errors="replace").strip())


_GGML_LOG_LEVEL_ERROR = 4


@contextlib.contextmanager
def _captured_log() -> Iterator[_Log]:
    """Collect llama.cpp's error messages; its log is global, so one collector at a time."""
    with _log_lock:
        _log.errors.clear()
        llama_cpp.llama_log_set(_keep_log, ctypes.c_void_p(0))
        yield _log
