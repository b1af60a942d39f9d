"""One model in llama.cpp: tokens in, logits out, and the key-value cache by position.

The only module that holds native handles of a model. It knows tokens and positions; what they
mean is the session's business.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt

from .control import pieces, tags_of
from .decoding import Sampling
from .engine_settings import Adapter, EngineSettings
from .errors import ContextFull, ModelLoadError
from .llama_log import captured_log
from .machine import usable_cores
from .sampler import Sampler, Vocabulary

_KV_TYPES = {"f16": llama_cpp.GGML_TYPE_F16, "q8_0": llama_cpp.GGML_TYPE_Q8_0}
_TAG_ATTRIBUTES = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
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
        self._adapter: object | None = None
        with captured_log() as log:
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
        self._can_cut = self._cells_can_move()
        handle = llama_cpp.llama_model_get_vocab(self._model)
        self._vocabulary = Vocabulary(handle, llama_cpp.llama_vocab_n_tokens(handle))
        if self.settings.adapter is not None:
            try:
                self._apply(self.settings.adapter)
            except ModelLoadError:
                self.close()
                raise

    def close(self) -> None:
        """Free the context, the adapter and the weights."""
        if self._context:
            llama_cpp.llama_free(self._context)
        if self._adapter:
            llama_cpp.llama_adapter_lora_free(self._adapter)
        if self._model:
            llama_cpp.llama_model_free(self._model)
        self._context = self._adapter = self._model = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _apply(self, adapter: Adapter) -> None:
        """Apply an adapter to the mapped weights.

        Raises ModelLoadError where the file is no adapter of this model.
        """
        with captured_log() as log:
            path = os.fsencode(adapter.path)
            self._adapter = llama_cpp.llama_adapter_lora_init(self._model, path)
        if not self._adapter:
            raise ModelLoadError(
                f"llama.cpp cannot apply the adapter {adapter.path} to {self.path.name}: "
                f"{log.reason()}. Use an adapter that was made for this model."
            )
        handles = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(self._adapter)
        scales = (ctypes.c_float * 1)(adapter.scale)
        llama_cpp.llama_set_adapters_lora(self._context, handles, 1, scales)

    # Text and tokens

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Return the tokens of `text`; control tokens are recognised only where `special`."""
        if special:
            return self._tokens(text, special=True)
        return [
            token
            for piece in pieces(text, self._leaking_tags)
            for token in self._tokens(piece, special=False)
        ]

    @cached_property
    def _leaking_tags(self) -> tuple[str, ...]:
        """The tags of this model that are more than their letters even in text without control."""
        known = tags_of(self.chat_template)
        return tuple(
            tag for tag in known if any(map(self._is_tag, self._tokens(tag, special=False)))
        )

    def _is_tag(self, token: int) -> bool:
        attributes = llama_cpp.llama_vocab_get_attr(self._vocabulary.handle, token)
        return bool(attributes & _TAG_ATTRIBUTES)

    def _tokens(self, text: str, *, special: bool) -> list[int]:
        data = text.encode("utf-8", errors="replace")
        tokens = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(
            self._vocabulary.handle, data, len(data), tokens, len(tokens), False, special
        )
        return list(tokens[:count])

    def bytes_of(self, token: int) -> bytes:
        """Return the bytes that `token` stands for; control tokens stand for none."""
        for size in (64, 4096):
            buffer = ctypes.create_string_buffer(size)
            count = llama_cpp.llama_token_to_piece(
                self._vocabulary.handle, token, buffer, size, 0, False
            )
            if count >= 0:
                return bytes(buffer.raw[:count])
        return b""

    def ends_turn(self, token: int) -> bool:
        """Tell whether the model ends its message with `token`."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocabulary.handle, token))

    def is_control(self, token: int) -> bool:
        """Tell whether `token` stands for no text but steers the model."""
        return bool(llama_cpp.llama_vocab_is_control(self._vocabulary.handle, token))

    @property
    def beginning(self) -> list[int]:
        """The tokens that every text of this model begins with: its BOS token, or none."""
        if not llama_cpp.llama_vocab_get_add_bos(self._vocabulary.handle):
            return []
        return [int(llama_cpp.llama_vocab_bos(self._vocabulary.handle))]

    @property
    def chat_template(self) -> str | None:
        """The model's own Jinja chat template, or None."""
        template = llama_cpp.llama_model_chat_template(self._model, None)
        return template.decode("utf-8", errors="replace") if template else None

    @property
    def beginning_text(self) -> str:
        """The tokens of `beginning` as chat templates write them."""
        texts = (llama_cpp.llama_vocab_get_text(self._vocabulary.handle, t) for t in self.beginning)
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

    def cut(self, start: int, end: int) -> bool:
        """Take the cells of positions [start, end) out and move those that follow up.

        False where this model's cache cannot do that; the cache may then be of no use any more.
        """
        if not self._can_cut:
            return False
        if not llama_cpp.llama_memory_seq_rm(self._memory, _SEQUENCE, start, end):
            return False
        llama_cpp.llama_memory_seq_add(self._memory, _SEQUENCE, end, -1, start - end)
        return True

    def truncate(self, start: int) -> bool:
        """Forget the cells from position `start` on.

        False where this model's cache cannot do that; it may then be of no use any more.
        """
        if start < self._earliest_truncation():
            return False
        return bool(llama_cpp.llama_memory_seq_rm(self._memory, _SEQUENCE, start, -1))

    def _cells_can_move(self) -> bool:
        """Tell whether the cells after a cut can be moved up; trying it in vain aborts the process.

        A recurrent state has no cells: llama.cpp says that it can lose a part, and keeps it.
        """
        return (
            bool(llama_cpp.llama_memory_can_shift(self._memory))
            and not llama_cpp.llama_model_is_recurrent(self._model)
            and not llama_cpp.llama_model_is_hybrid(self._model)
        )

    def _earliest_truncation(self) -> int:
        """Return the first position whose sliding window is still in the cache as a whole."""
        oldest = int(llama_cpp.llama_memory_seq_pos_min(self._memory, _SEQUENCE))
        return 0 if oldest <= 0 else oldest + llama_cpp.llama_model_n_swa(self._model)

    def clear(self) -> None:
        """Forget everything that was decoded."""
        llama_cpp.llama_memory_clear(self._memory, True)

    # Drawing tokens

    def logits(self) -> npt.NDArray[np.float32]:
        """Return the logits of the last decoded token: a view, valid until the next decode."""
        pointer = llama_cpp.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(pointer, shape=(self._vocabulary.size,))

    def sampler(
        self,
        sampling: Sampling,
        seed: int,
        grammar: str | None = None,
        history: Sequence[int] = (),
    ) -> Sampler:
        """Make a sampler over this vocabulary that takes `history` as written already.

        Raises GrammarError.
        """
        return Sampler(self._vocabulary, sampling, seed, grammar, history)

    # States on disk

    def save_state(self, path: Path, tokens: Sequence[int]) -> bool:
        """Write the cache that `tokens` were decoded into; false when llama.cpp could not."""
        array = (llama_cpp.llama_token * len(tokens))(*tokens)
        return bool(
            llama_cpp.llama_state_seq_save_file(
                self._context, os.fsencode(path), _SEQUENCE, array, len(tokens)
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
        with captured_log():
            loaded = llama_cpp.llama_state_seq_load_file(
                self._context, os.fsencode(path), _SEQUENCE, array, capacity, ctypes.byref(count)
            )
        if loaded and list(array[: count.value]) == list(tokens):
            return True
        self.clear()
        return False


def _load_model(path: Path, settings: EngineSettings) -> object:
    parameters = llama_cpp.llama_model_default_params()
    parameters.n_gpu_layers = settings.gpu_layers if _has_gpu() else 0
    parameters.use_extra_bufts = settings.repack
    parameters.load_mode = (
        llama_cpp.LLAMA_LOAD_MODE_MMAP_MLOCK if settings.lock else llama_cpp.LLAMA_LOAD_MODE_MMAP
    )
    return llama_cpp.llama_model_load_from_file(os.fsencode(path), parameters)


def _make_context(model: object, settings: EngineSettings) -> object:
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = settings.context
    parameters.n_batch = parameters.n_ubatch = settings.batch
    parameters.n_threads = parameters.n_threads_batch = settings.threads or usable_cores()
    parameters.type_k = parameters.type_v = _KV_TYPES[settings.kv_type]
    # False would mean *disabled*, with which a quantized V cache cannot be made.
    parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO
    parameters.swa_full = settings.whole_window
    parameters.no_perf = True
    return llama_cpp.llama_init_from_model(model, parameters)


def _has_gpu() -> bool:
    return bool(llama_cpp.llama_supports_gpu_offload())


def inference_library() -> str:
    """Return what models are run by: the binding of llama.cpp, and whether it was built for a GPU.

    Both decide what is written, where two tokens are nearly as likely.
    """
    with captured_log():
        built = "for a GPU" if _has_gpu() else "for the processor"
    return f"llama-cpp-python {llama_cpp.__version__}, built {built}"


def system_information() -> str:
    """Return the CPU features and back ends that llama.cpp was built with, in its own words."""
    with captured_log():
        return str(llama_cpp.llama_print_system_info().decode("utf-8", errors="replace")).strip()
