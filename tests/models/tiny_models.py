"""Real GGUF files of a few hundred kilobytes with random weights, for what no small model shows.

Their texts mean nothing; how llama.cpp keeps their caches is what counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf import GGUFWriter, TokenType

_WIDTH = 64
_LAYERS = 2
_CONTEXT = 2048
_SPECIAL = ["<unk>", "<s>", "</s>"]
_WORDS = [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
_random = np.random.default_rng(7)

Tensors = dict[str, npt.NDArray[np.float32]]


def write_mamba(path: Path) -> Path:
    """Write a recurrent model: its state cannot lose a part, nor go back."""
    inner, state, rank, kernel = 2 * _WIDTH, 16, 4, 4
    writer = _begin(path, "mamba")
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_ssm_conv_kernel(kernel)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    tensors: Tensors = {}
    for layer in range(_LAYERS):
        tensors |= {
            f"blk.{layer}.attn_norm.weight": np.ones(_WIDTH, np.float32),
            f"blk.{layer}.ssm_in.weight": _weights(2 * inner, _WIDTH),
            f"blk.{layer}.ssm_conv1d.weight": _weights(inner, kernel),
            f"blk.{layer}.ssm_conv1d.bias": _weights(inner),
            f"blk.{layer}.ssm_x.weight": _weights(rank + 2 * state, inner),
            f"blk.{layer}.ssm_dt.weight": _weights(inner, rank),
            f"blk.{layer}.ssm_dt.bias": _weights(inner),
            f"blk.{layer}.ssm_a": -np.ones((inner, state), np.float32),
            f"blk.{layer}.ssm_d": np.ones(inner, np.float32),
            f"blk.{layer}.ssm_out.weight": _weights(_WIDTH, inner),
        }
    return _finish(writer, path, tensors)


def write_multi_position(path: Path) -> Path:
    """Write a model with multi-position RoPE: its cells cannot be moved, but it can go back."""
    writer = _begin(path, "qwen2vl")
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_feed_forward_length(2 * _WIDTH)
    writer.add_rope_dimension_sections([2, 3, 3, 0])
    tensors: Tensors = {}
    for layer in range(_LAYERS):
        tensors |= {
            f"blk.{layer}.attn_norm.weight": np.ones(_WIDTH, np.float32),
            f"blk.{layer}.ffn_norm.weight": np.ones(_WIDTH, np.float32),
            f"blk.{layer}.attn_q.weight": _weights(_WIDTH, _WIDTH),
            f"blk.{layer}.attn_q.bias": _weights(_WIDTH),
            f"blk.{layer}.attn_k.weight": _weights(_WIDTH // 2, _WIDTH),
            f"blk.{layer}.attn_k.bias": _weights(_WIDTH // 2),
            f"blk.{layer}.attn_v.weight": _weights(_WIDTH // 2, _WIDTH),
            f"blk.{layer}.attn_v.bias": _weights(_WIDTH // 2),
            f"blk.{layer}.attn_output.weight": _weights(_WIDTH, _WIDTH),
            f"blk.{layer}.ffn_gate.weight": _weights(2 * _WIDTH, _WIDTH),
            f"blk.{layer}.ffn_up.weight": _weights(2 * _WIDTH, _WIDTH),
            f"blk.{layer}.ffn_down.weight": _weights(_WIDTH, 2 * _WIDTH),
        }
    return _finish(writer, path, tensors)


def write_llama(path: Path) -> Path:
    """Write an ordinary transformer, of the architecture whose q and k GGUF orders anew."""
    writer = _begin(path, "llama")
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_feed_forward_length(2 * _WIDTH)
    tensors: Tensors = {}
    for layer in range(_LAYERS):
        tensors |= {
            f"blk.{layer}.attn_norm.weight": np.ones(_WIDTH, np.float32),
            f"blk.{layer}.ffn_norm.weight": np.ones(_WIDTH, np.float32),
            f"blk.{layer}.attn_q.weight": _weights(_WIDTH, _WIDTH),
            f"blk.{layer}.attn_k.weight": _weights(_WIDTH // 2, _WIDTH),
            f"blk.{layer}.attn_v.weight": _weights(_WIDTH // 2, _WIDTH),
            f"blk.{layer}.attn_output.weight": _weights(_WIDTH, _WIDTH),
            f"blk.{layer}.ffn_gate.weight": _weights(2 * _WIDTH, _WIDTH),
            f"blk.{layer}.ffn_up.weight": _weights(2 * _WIDTH, _WIDTH),
            f"blk.{layer}.ffn_down.weight": _weights(_WIDTH, 2 * _WIDTH),
        }
    return _finish(writer, path, tensors)


def write_hybrid(path: Path) -> Path:
    """Write a model of one recurrent and one attention layer (Jamba)."""
    inner, state, rank, kernel = 2 * _WIDTH, 16, 4, 4
    writer = _begin(path, "jamba")
    writer.add_head_count(4)
    writer.add_head_count_kv([0, 2])
    writer.add_feed_forward_length(2 * _WIDTH)
    writer.add_ssm_conv_kernel(kernel)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    tensors = {
        "blk.0.ssm_in.weight": _weights(2 * inner, _WIDTH),
        "blk.0.ssm_conv1d.weight": _weights(inner, kernel),
        "blk.0.ssm_conv1d.bias": _weights(inner),
        "blk.0.ssm_x.weight": _weights(rank + 2 * state, inner),
        "blk.0.ssm_dt.weight": _weights(inner, rank),
        "blk.0.ssm_dt.bias": _weights(inner),
        "blk.0.ssm_dt_norm.weight": np.ones(rank, np.float32),
        "blk.0.ssm_b_norm.weight": np.ones(state, np.float32),
        "blk.0.ssm_c_norm.weight": np.ones(state, np.float32),
        "blk.0.ssm_a": -np.ones((inner, state), np.float32),
        "blk.0.ssm_d": np.ones(inner, np.float32),
        "blk.0.ssm_out.weight": _weights(_WIDTH, inner),
        "blk.1.attn_q.weight": _weights(_WIDTH, _WIDTH),
        "blk.1.attn_k.weight": _weights(_WIDTH // 2, _WIDTH),
        "blk.1.attn_v.weight": _weights(_WIDTH // 2, _WIDTH),
        "blk.1.attn_output.weight": _weights(_WIDTH, _WIDTH),
    }
    for layer in range(_LAYERS):
        tensors |= {
            f"blk.{layer}.attn_norm.weight": np.ones(_WIDTH, np.float32),
            f"blk.{layer}.ffn_norm.weight": np.ones(_WIDTH, np.float32),
            f"blk.{layer}.ffn_gate.weight": _weights(2 * _WIDTH, _WIDTH),
            f"blk.{layer}.ffn_up.weight": _weights(2 * _WIDTH, _WIDTH),
            f"blk.{layer}.ffn_down.weight": _weights(_WIDTH, 2 * _WIDTH),
        }
    return _finish(writer, path, tensors)


def write_adapter(path: Path, architecture: str, shapes: Mapping[str, tuple[int, int]]) -> Path:
    """Write a LoRA adapter of rank 4 with random weights.

    `shapes` gives inputs and outputs of each weight that it changes, by the tensor's name.
    """
    rank = 4
    writer = GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 16.0)
    for name, (inputs, outputs) in shapes.items():
        writer.add_tensor(f"{name}.lora_a", _weights(rank, inputs))
        writer.add_tensor(f"{name}.lora_b", _weights(outputs, rank))
    return written(writer, path)


def _begin(path: Path, architecture: str) -> GGUFWriter:
    _random.bit_generator.state = np.random.PCG64(7).state  # whatever was written before
    writer = GGUFWriter(path, architecture)
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(_WORDS)
    writer.add_token_scores([0.0] * len(_WORDS))
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL]
    writer.add_token_types([*kinds, *[TokenType.BYTE] * 256])
    writer.add_add_bos_token(False)
    return writer


def _finish(writer: GGUFWriter, path: Path, tensors: Tensors) -> Path:
    writer.add_tensor("token_embd.weight", _weights(len(_WORDS), _WIDTH))
    writer.add_tensor("output_norm.weight", np.ones(_WIDTH, np.float32))
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    return written(writer, path)


def written(writer: GGUFWriter, path: Path) -> Path:
    """Write the file that `writer` was told of, and return its path."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _weights(*shape: int) -> npt.NDArray[np.float32]:
    return (_random.standard_normal(shape) * 0.1).astype(np.float32)
