"""LoRA checkpoints as the peft library writes them, named and ordered as GGUF does, and back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from base_model import BaseModel
from gguf import GGMLQuantizationType, dequantize
from lora import Change, Lora, Matrix
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save_file

from edge_agent.models import InvalidModelFile

_PREFIX = "base_model.model."
_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"
_ROTARY_ORDER = {"llama": True, "qwen2": False, "qwen3": False}
"""Architectures that can be exported, and whether GGUF orders the rows of q and k anew.

So does llama.cpp's convert_hf_to_gguf.py (`LlamaModel.permute`): its kernel for llama rotates
neighbouring rows, where transformers rotates the halves of a head.
"""
_MODULES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""What transformers calls the weights of a layer, in all of these architectures."""
_PLAIN_STARTS = (True, False, "gaussian", "orthogonal", "eva")
"""Values of `init_lora_weights` that leave the base's weights alone."""
_VARIANTS = (
    *("use_rslora", "use_dora", "use_qalora", "use_bdlora", "fan_in_fan_out", "lora_bias"),
    *("rank_pattern", "alpha_pattern", "layer_replication", "modules_to_save"),
    *("target_parameters", "trainable_token_indices", "alora_invocation_tokens"),
    *("exclude_scaling", "arrow_config"),
)
"""Settings of peft that make it something else than alpha ÷ rank × B × A over single weights."""


def read_checkpoint(folder: Path, base: BaseModel) -> Lora:
    """Read the checkpoint in `folder` as an adapter of `base`.

    Raises InvalidModelFile where it is damaged, of a kind that GGUF cannot hold, or does not fit.
    """
    architecture = _known_architecture(base)
    alpha = _plain_alpha(folder / "adapter_config.json")
    path = folder / "adapter_model.safetensors"
    changes = _named(_paired(_tensors(path), path), base, path)
    lora = Lora(architecture, alpha, _in_order(changes, base), _training(folder / "training.json"))
    base.require_fit(lora)
    return lora


def write_checkpoint(lora: Lora, base: BaseModel, folder: Path) -> None:
    """Write an adapter of `base` as peft would have saved it, so that training goes on from there.

    Raises InvalidModelFile where it does not fit, changes other weights than projections, or does
    not change each of them with the same rank.
    """
    _known_architecture(base)
    base.require_fit(lora)
    ranks = {len(change.down) for change in lora.changes.values()}
    if len(ranks) != 1:
        raise InvalidModelFile(
            f"The adapter has several ranks ({', '.join(map(str, sorted(ranks)))}), and training "
            "goes on only with one of the same rank throughout."
        )
    tensors = {}
    for weight, change in lora.changes.items():
        module = _module(weight)
        tensors[f"{_PREFIX}{module}{_DOWN}"] = change.down
        up = change.up[np.argsort(_order(weight, len(change.up), base))]
        tensors[f"{_PREFIX}{module}{_UP}"] = np.ascontiguousarray(up)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    config = json.dumps(_config(lora), indent=2)
    (folder / "adapter_config.json").write_text(config, encoding="utf-8")
    if lora.training is not None:
        (folder / "training.json").write_text(lora.training, encoding="utf-8")


def _known_architecture(base: BaseModel) -> str:
    architecture = base.header.architecture
    if architecture not in _ROTARY_ORDER:
        raise InvalidModelFile(
            f"{base.path} is of the architecture {architecture}, and how GGUF orders the weights "
            f"of that is not known here. Use a base of: {', '.join(_ROTARY_ORDER)}."
        )
    return architecture


def _config(lora: Lora) -> dict[str, object]:
    """Return the configuration of a plain LoRA over the layers that an adapter changes."""
    modules = [_module(weight) for weight in lora.changes]
    return {
        "peft_type": "LORA",
        "r": len(next(iter(lora.changes.values())).down),
        "lora_alpha": int(lora.alpha) if lora.alpha.is_integer() else lora.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted({module.rpartition(".")[2] for module in modules}),
        "layers_to_transform": sorted({int(module.split(".")[2]) for module in modules}),
    }


def _module(weight: str) -> str:
    """Return what transformers calls a weight. Raises InvalidModelFile."""
    found = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", weight)
    if found is None or found[2] not in _MODULES:
        raise InvalidModelFile(
            f"The adapter changes {weight}, and training goes on only with: {', '.join(_MODULES)}."
        )
    return f"model.layers.{found[1]}.{_MODULES[found[2]]}"


# The configuration


def _plain_alpha(path: Path) -> float:
    """Return alpha of a plain LoRA. Raises InvalidModelFile for all variants of it."""
    config = _json(path)
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise InvalidModelFile(f"{path} is not the configuration of a LoRA. {_PLAIN}")
    variants = [key for key in _VARIANTS if config.get(key)]
    if config.get("bias", "none") != "none":
        variants.append("bias")
    if config.get("init_lora_weights", True) not in _PLAIN_STARTS:
        variants.append("init_lora_weights")
    if variants:
        raise InvalidModelFile(f"{path} sets {', '.join(variants)}. {_PLAIN}")
    alpha = config.get("lora_alpha")
    if not isinstance(alpha, int | float) or not 0 < alpha < float("inf"):
        raise InvalidModelFile(f"{path} has no lora_alpha above nought. {_PLAIN}")
    return float(alpha)


_PLAIN = "A GGUF adapter holds only a plain LoRA: train one."


def _training(path: Path) -> str | None:
    """Return how the checkpoint was trained, as JSON in one line; None where nothing says so."""
    return json.dumps(_json(path), ensure_ascii=False) if path.is_file() else None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidModelFile(
            f"{path} cannot be read: {error}. Name a folder that peft saved an adapter in."
        ) from error


# The tensors


def _tensors(path: Path) -> dict[str, Matrix]:
    try:
        found = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    except (OSError, SafetensorError) as error:
        raise InvalidModelFile(
            f"{path} cannot be read: {error}. Name a folder that peft saved an adapter in."
        ) from error
    return {name: _matrix(tensor, name, path) for name, tensor in found}


def _matrix(tensor: dict[str, Any], name: str, path: Path) -> Matrix:
    """Return a tensor as float32. numpy has no bfloat16: the gguf package reads it."""
    raw = np.frombuffer(tensor["data"], np.uint8)
    kinds = {
        "F32": GGMLQuantizationType.F32,
        "F16": GGMLQuantizationType.F16,
        "BF16": GGMLQuantizationType.BF16,
    }
    if tensor["dtype"] not in kinds or len(tensor["shape"]) != 2:
        raise InvalidModelFile(f"{path}: {name} is not a matrix of floats. {_PLAIN}")
    values: Matrix = dequantize(raw, kinds[tensor["dtype"]]).reshape(tensor["shape"])
    # What float16 cannot hold would be infinite in the GGUF.
    if not np.isfinite(values).all() or np.abs(values).max(initial=0) > np.finfo(np.float16).max:
        raise InvalidModelFile(
            f"{path}: {name} has values that are no numbers, or too large for float16. "
            "The training diverged: take an earlier checkpoint."
        )
    return values


def _paired(tensors: dict[str, Matrix], path: Path) -> dict[str, Change]:
    """Return the changes by module. Raises InvalidModelFile where half of one is missing."""
    modules = dict.fromkeys(name.removesuffix(_DOWN).removesuffix(_UP) for name in tensors)
    missing = {f"{module}{part}" for module in modules for part in (_DOWN, _UP)} ^ {*tensors}
    if missing or not modules:
        which = ", ".join(sorted(missing)) or "any"
        raise InvalidModelFile(f"{path} lacks, or should not have: {which}. {_PLAIN}")
    changes = {name: Change(tensors[name + _DOWN], tensors[name + _UP]) for name in modules}
    for name, change in changes.items():
        if change.up.shape[1] != len(change.down):
            raise InvalidModelFile(f"{path}: the ranks of A and B of {name} differ.")
    return changes


def _named(changes: dict[str, Change], base: BaseModel, path: Path) -> dict[str, Change]:
    """Return changes by the GGUF names of their weights, their rows in the order of GGUF."""
    named = {}
    for module, change in changes.items():
        weight = base.names.get_name(module.removeprefix(_PREFIX), try_suffixes=(".weight",))
        if weight is None or not module.startswith(_PREFIX):
            raise InvalidModelFile(
                f"{path}: {module} is no weight of a {base.header.architecture} model. {_PLAIN}"
            )
        named[f"{weight}.weight"] = _ordered(f"{weight}.weight", change, base)
    return named


def _ordered(weight: str, change: Change, base: BaseModel) -> Change:
    return Change(change.down, change.up[_order(weight, len(change.up), base)])


def _order(weight: str, rows: int, base: BaseModel) -> npt.NDArray[np.intp]:
    """Return which row of transformers each of the rows of a weight in GGUF is."""
    header = base.header
    heads = {"attn_q": header.heads, "attn_k": header.kv_heads}.get(weight.split(".")[-2])
    if heads is None or not _ROTARY_ORDER[header.architecture]:
        return np.arange(rows)
    if rows % (2 * heads):
        raise InvalidModelFile(
            f"{weight}: {rows} outputs are not {heads} heads of an even width. "
            "Name the base that the adapter was made for."
        )
    return rotary_order(rows, heads)


def rotary_order(rows: int, heads: int) -> npt.NDArray[np.intp]:
    """Return which row of transformers each row of GGUF is: the halves of a head, row by row."""
    halves = np.arange(rows).reshape(heads, 2, rows // heads // 2)
    return np.asarray(halves.swapaxes(1, 2).reshape(-1))


def _in_order(changes: dict[str, Change], base: BaseModel) -> dict[str, Change]:
    """Return changes in the order of the base's weights; those that it has not, last."""
    places = {name: place for place, name in enumerate(base.weights)}
    return dict(sorted(changes.items(), key=lambda item: places.get(item[0], len(places))))
