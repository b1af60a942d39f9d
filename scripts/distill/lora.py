"""A LoRA adapter as llama.cpp knows it: two narrow matrices for each weight that it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader, GGUFWriter

from edge_agent.models import InvalidModelFile, read_header

Matrix: TypeAlias = npt.NDArray[np.float32]

_TRAINING = "miro_edge.training"
"""Key of the metadata for how it was trained: the JSON that the training wrote."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an adapter adds to one weight: `up` times `down`, times the adapter's scale."""

    down: Matrix
    """Rank by inputs; PEFT calls it A."""
    up: Matrix
    """Outputs by rank; PEFT calls it B."""


@dataclass(frozen=True, slots=True)
class Lora:
    """An adapter: its changes by the GGUF name of the weight, for bases of one architecture."""

    architecture: str
    alpha: float
    changes: Mapping[str, Change]
    training: str | None = None
    """How it was trained, as JSON."""

    def added_to(self, weight: str) -> Matrix:
        """Return what is added to a weight, outputs by inputs: alpha ÷ rank × up × down.

        So LoRA (arXiv 2106.09685, section 4.1) and llama.cpp scale it.
        """
        change = self.changes[weight]
        return (self.alpha / len(change.down)) * (change.up @ change.down)


def write_lora(lora: Lora, path: Path) -> None:
    """Write an adapter as GGUF, in float16."""
    writer = GGUFWriter(path, lora.architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", lora.alpha)
    if lora.training is not None:
        writer.add_string(_TRAINING, lora.training)
    for weight, change in lora.changes.items():
        writer.add_tensor(f"{weight}.lora_a", change.down.astype(np.float16))
        writer.add_tensor(f"{weight}.lora_b", change.up.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_lora(path: Path) -> Lora:
    """Read an adapter from GGUF. Raises InvalidModelFile where it is not a LoRA in floats."""
    if read_header(path).kind != "adapter":
        raise InvalidModelFile(f"{path} is a whole model, not an adapter. Name the adapter.")
    reader = GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tensors = {tensor.name: tensor.data for tensor in reader.tensors}
    weights = [name.removesuffix(".lora_a") for name in tensors if name.endswith(".lora_a")]
    is_paired = {*tensors} == {f"{name}.lora_{part}" for name in weights for part in "ab"}
    is_float = all(data.dtype in (np.float16, np.float32) for data in tensors.values())
    alpha = float(fields.get("adapter.lora.alpha", 0))
    if fields.get("adapter.type") != "lora" or not (is_paired and is_float and alpha > 0):
        raise InvalidModelFile(
            f"{path} is not a LoRA adapter in float16 or float32. Make one with: "
            "scripts/distill/export.py adapter"
        )
    return Lora(
        architecture=str(fields["general.architecture"]),
        alpha=alpha,
        changes={
            name: Change(
                tensors[f"{name}.lora_a"].astype(np.float32),
                tensors[f"{name}.lora_b"].astype(np.float32),
            )
            for name in weights
        },
        training=fields.get(_TRAINING),
    )
