"""Checkpoints as the peft library writes them, with random weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

Tensors = Mapping[str, npt.NDArray[Any]]

CONFIG: dict[str, Any] = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "base_model_name_or_path": "base",
    "r": 8,
    "lora_alpha": 16,
    "lora_dropout": 0.0,
    "bias": "none",
    "fan_in_fan_out": False,
    "init_lora_weights": True,
    "use_rslora": False,
    "use_dora": False,
    "rank_pattern": {},
    "alpha_pattern": {},
    "modules_to_save": None,
    "target_modules": ["q_proj", "k_proj"],
}


def projections(width: int, keys: int, hidden: int) -> dict[str, tuple[int, int]]:
    """Return inputs and outputs of the projections of a layer of llama."""
    return {
        "self_attn.q_proj": (width, width),
        "self_attn.k_proj": (width, keys),
        "self_attn.v_proj": (width, keys),
        "self_attn.o_proj": (width, width),
        "mlp.gate_proj": (width, hidden),
        "mlp.up_proj": (width, hidden),
        "mlp.down_proj": (hidden, width),
    }


SMALL = projections(64, 32, 128)
SMOLLM2 = projections(576, 192, 1536)


def random_tensors(
    shapes: Mapping[str, tuple[int, int]],
    layers: range,
    rank: int = 8,
    size: float = 0.15,
    seed: int = 3,
) -> dict[str, npt.NDArray[np.float32]]:
    """Return A and B for each projection of some layers, so large that texts change."""
    random = np.random.default_rng(seed)
    tensors = {}
    for layer in layers:
        for module, (inputs, outputs) in shapes.items():
            name = f"base_model.model.model.layers.{layer}.{module}"
            for part, shape in (("A", (rank, inputs)), ("B", (outputs, rank))):
                values = random.standard_normal(shape).astype(np.float32) * size
                tensors[f"{name}.lora_{part}.weight"] = values
    return tensors


def write_checkpoint(folder: Path, tensors: Tensors, **settings: object) -> Path:
    """Write a checkpoint into `folder`, which is made, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps({**CONFIG, **settings}))
    save_file(dict(tensors), folder / "adapter_model.safetensors")
    return folder
