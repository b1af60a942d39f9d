"""The base of an adapter: a whole GGUF model, and what an adapter has to fit."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from gguf import (
    MODEL_ARCH,
    MODEL_ARCH_NAMES,
    GGUFReader,
    ReaderTensor,
    TensorNameMap,
    get_tensor_name_map,
)
from lora import Change, Lora

from edge_agent.models import InvalidModelFile, read_header


class BaseModel:
    """A GGUF model whose weights are read when they are asked for."""

    def __init__(self, path: Path) -> None:
        """Open the model at `path`. Raises InvalidModelFile."""
        self.path = path
        self.header = read_header(path)
        if self.header.kind == "adapter":
            raise InvalidModelFile(f"{path} is an adapter, not a whole model. Name its base.")

    @cached_property
    def reader(self) -> GGUFReader:
        """The file, mapped; opening it takes seconds where the vocabulary is large."""
        return GGUFReader(self.path)

    @cached_property
    def weights(self) -> dict[str, ReaderTensor]:
        """The tensors by name; their shapes are inputs, outputs."""
        return {tensor.name: tensor for tensor in self.reader.tensors}

    @cached_property
    def names(self) -> TensorNameMap:
        """The GGUF names of weights by those that transformers gives them."""
        kinds: dict[str, MODEL_ARCH] = {name: kind for kind, name in MODEL_ARCH_NAMES.items()}
        return get_tensor_name_map(kinds[self.header.architecture], self.header.layers)

    def require_fit(self, lora: Lora) -> None:
        """Raise InvalidModelFile where an adapter was made for another model."""
        if lora.architecture != self.header.architecture:
            raise InvalidModelFile(
                f"The adapter is for the architecture {lora.architecture}, and {self.path} is "
                f"{self.header.architecture}. Name the base that it was made for."
            )
        for name, change in lora.changes.items():
            self._require_fit(name, change)

    def _require_fit(self, name: str, change: Change) -> None:
        outputs, inputs = len(change.up), change.down.shape[1]
        weight = self.weights.get(name)
        shape = None if weight is None else tuple(map(int, weight.shape))
        if shape != (inputs, outputs):
            has = "has no such weight" if shape is None else f"has {shape[0]} by {shape[1]}"
            raise InvalidModelFile(
                f"The adapter changes {name} of {inputs} inputs and {outputs} outputs, and "
                f"{self.path} {has}. Name the base that it was made for."
            )
