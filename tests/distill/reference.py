"""A llama as transformers computes it, in numpy: what was trained, to hold llama.cpp against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader

Array = npt.NDArray[np.float64]
Weights = Mapping[str, Array]

HEADS, KEY_HEADS = 4, 2
"""Of the small model of these tests."""

_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def weights_of(path: Path) -> dict[str, Array]:
    """Return the weights of the small model as transformers names and orders them."""
    found = {}
    for tensor in GGUFReader(path).tensors:
        parts, values = tensor.name.split("."), tensor.data.astype(np.float64)
        if parts[-2] in ("attn_q", "attn_k"):
            values = _halves_apart(values, HEADS if parts[-2] == "attn_q" else KEY_HEADS)
        name = ".".join(parts[:-1])
        if parts[-2] in _NAMES:
            name = f"model.layers.{parts[1]}.{_NAMES[parts[-2]]}"
        found[name] = values
    return found


def _halves_apart(rows: Array, heads: int) -> Array:
    """Return the rows of each head, those that llama.cpp rotates with the next one first."""
    width = len(rows) // heads
    parts = [rows[head * width : (head + 1) * width] for head in range(heads)]
    return np.concatenate([half for part in parts for half in (part[0::2], part[1::2])])


def logits_after(tokens: Sequence[int], weights: Weights, layers: int = 2) -> Array:
    """Return the logits after the last token (arXiv 2302.13971; rotary: arXiv 2104.09864)."""
    states = weights["token_embd"][list(tokens)]
    for layer in range(layers):
        own = {
            name.removeprefix(f"model.layers.{layer}."): values for name, values in weights.items()
        }
        states = states + _attention(_normed(states), own)
        inner = _normed(states)
        gate = inner @ own["mlp.gate_proj"].T
        hidden = gate / (1 + np.exp(-gate)) * (inner @ own["mlp.up_proj"].T)
        states = states + hidden @ own["mlp.down_proj"].T
    return np.asarray(_normed(states)[-1] @ weights["token_embd"].T)


def _attention(states: Array, own: Weights) -> Array:
    count = len(states)
    q, k, v = (
        (states @ own[f"self_attn.{part}_proj"].T).reshape(count, heads, -1).swapaxes(0, 1)
        for part, heads in (("q", HEADS), ("k", KEY_HEADS), ("v", KEY_HEADS))
    )
    k, v = (np.repeat(each, HEADS // KEY_HEADS, axis=0) for each in (_turned(k), v))
    scores = _turned(q) @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    scores = np.where(np.tri(count, dtype=bool), scores, -np.inf)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    mixed = (shares @ v).swapaxes(0, 1).reshape(count, -1)
    return np.asarray(mixed @ own["self_attn.o_proj"].T)


def _turned(heads: Array) -> Array:
    """Return heads × positions × values, turned by position: value i is paired with i + half."""
    _, count, width = heads.shape
    rates = 10000.0 ** (-np.arange(width // 2) / (width // 2))
    angles = np.outer(np.arange(count), rates)
    first, second = heads[..., : width // 2], heads[..., width // 2 :]
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def _normed(states: Array) -> Array:
    """Return states over their root mean square; the weights of all norms are one."""
    return np.asarray(states / np.sqrt((states**2).mean(axis=-1, keepdims=True) + 1e-5))
