"""The embedder: all-MiniLM-L6-v2 in ONNX, which turns texts into vectors of what they mean."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import InvalidModelFile
from .machine import usable_cores

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

_LONGEST = 256
"""Tokens of a text that count: what the model was trained with."""
_TOKENS_AT_ONCE = 512
"""Tokens of a batch, padding included: larger ones leave the processor's cache."""


class OnnxEmbedder:
    """A sentence embedder in ONNX; nothing is loaded before the first text."""

    dimensions = 384

    def __init__(self, name: str, model: Path) -> None:
        """Use the model `name` at `model`, beside which its `tokenizer.json` lies."""
        self.name = name
        self._path = model

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the vectors of `texts`, [texts, 384], of length 1.

        They are the means of the token vectors (Reimers, Gurevych, “Sentence-BERT”, 2019). Raises
        InvalidModelFile where the model cannot be opened.
        """
        found = np.zeros((len(texts), self.dimensions), np.float32)
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        for batch in _batches_by_length(encoded):
            found[batch] = self._means([encoded[index] for index in batch])
        return found

    def _means(self, encoded: list[list[int]]) -> npt.NDArray[np.float32]:
        width = max(len(ids) for ids in encoded)
        ids = np.zeros((len(encoded), width), np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(encoded):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden: Any = self._session.run(["last_hidden_state"], inputs)[0]
        sums = (hidden * mask[..., None]).sum(axis=1, dtype=np.float32)
        vectors: npt.NDArray[np.float32] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return vectors

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        path = self._path.with_name("tokenizer.json")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # it raises nothing more particular
            raise InvalidModelFile(f"{path} is not a tokenizer: {error}") from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(_LONGEST)
        return tokenizer

    @cached_property
    def _session(self) -> InferenceSession:
        # Since 1.29 it reports to its makers which model is loaded, unless told before it begins.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        onnxruntime.disable_telemetry_events()  # the same on Windows
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        # Its threads would go on spinning for a while, on cores that llama.cpp needs next.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # What it keeps between batches would be memory that llama.cpp lacks; it is no faster.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        try:
            return onnxruntime.InferenceSession(
                str(self._path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own errors have no common class
            raise InvalidModelFile(f"{self._path} is not an ONNX model: {error}") from error


def _batches_by_length(encoded: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the numbers of texts in batches of similar length, so that little is padding."""
    batches: list[list[int]] = []
    for index in sorted(range(len(encoded)), key=lambda index: len(encoded[index])):
        width = len(encoded[index])
        if not batches or (len(batches[-1]) + 1) * width > _TOKENS_AT_ONCE:
            batches.append([])
        batches[-1].append(index)
    return batches
