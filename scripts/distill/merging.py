"""Bakes an adapter into its base: a whole model in a file of its own, faster and larger."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from base_model import BaseModel
from gguf import (
    GGML_QUANT_SIZES,
    GGMLQuantizationType,
    GGUFReader,
    GGUFValueType,
    GGUFWriter,
    ReaderTensor,
    dequantize,
)
from llama_cpp._ggml import libggml
from lora import Lora, Matrix

from edge_agent.models import InvalidModelFile

_ALIGNMENT = "general.alignment"

TYPES = {
    name: GGMLQuantizationType[name.upper()]
    for name in (
        *("f32", "f16", "bf16", "q8_0", "q6_k", "q5_k", "q4_k"),
        *("q5_1", "q5_0", "q4_1", "q4_0", "q3_k", "q2_k", "iq4_nl", "iq4_xs"),
    )
}
"""Types that llama.cpp's own quantizer makes of nothing but the weights."""

_QUANTIZE = libggml.ggml_quantize_chunk
_QUANTIZE.argtypes = [
    *(ctypes.c_int, ctypes.POINTER(ctypes.c_float), ctypes.c_void_p),
    *(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.POINTER(ctypes.c_float)),
]
_QUANTIZE.restype = ctypes.c_size_t


def bake(
    lora: Lora,
    base: BaseModel,
    path: Path,
    kind: GGMLQuantizationType | None,
    report: Callable[[int, int], None],
) -> None:
    """Write `base` with `lora` added to its weights to `path`.

    `kind` is the type of all matrices of the layers; None leaves each weight its own type, and
    those that the adapter does not change as they are. `report` is told the bytes done, and all.
    Raises InvalidModelFile where the adapter does not fit, or a weight does not take its type.
    """
    base.require_fit(lora)
    kinds = {tensor.name: _kind(tensor, lora, kind) for tensor in base.reader.tensors}
    writer = GGUFWriter(path, base.header.architecture)
    _copy_metadata(base.reader, writer, is_retyped=kind is not None)
    for tensor in base.reader.tensors:
        _announce(tensor, kinds[tensor.name], writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    done, total = 0, sum(tensor.n_bytes for tensor in base.reader.tensors)
    for tensor in base.reader.tensors:
        writer.write_tensor_data(_written(tensor, lora, kinds[tensor.name]))
        done += int(tensor.n_bytes)
        report(done, total)
    writer.close()


def _copy_metadata(reader: GGUFReader, writer: GGUFWriter, *, is_retyped: bool) -> None:
    """Copy what the base says about itself; its type no longer holds where it is given another."""
    left_out = {"general.architecture", _ALIGNMENT}
    if is_retyped:
        left_out.add("general.file_type")
    alignment = reader.fields.get(_ALIGNMENT)
    if alignment is not None:  # the writer has to know it, too
        writer.add_custom_alignment(int(alignment.contents()))
    for field in reader.fields.values():
        if field.name not in left_out and not field.name.startswith("GGUF."):
            kind, of = field.types[0], field.types[-1]
            of = of if kind == GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, sub_type=of)


def _kind(
    tensor: ReaderTensor, lora: Lora, wanted: GGMLQuantizationType | None
) -> GGMLQuantizationType:
    """Return the type that a weight is written in. Raises InvalidModelFile."""
    is_of_layer = tensor.name.startswith("blk.") and len(tensor.shape) == 2
    kind = wanted if wanted is not None and is_of_layer else tensor.tensor_type
    if kind == tensor.tensor_type and tensor.name not in lora.changes:
        return kind
    if kind not in TYPES.values():
        raise InvalidModelFile(
            f"{tensor.name} is of the type {kind.name}, which cannot be made again. Choose: --type"
        )
    inputs, (block, _) = int(tensor.shape[0]), GGML_QUANT_SIZES[kind]
    if inputs % block:
        raise InvalidModelFile(
            f"{tensor.name} has {inputs} inputs, and {kind.name.lower()} takes blocks of {block}. "
            "Choose another type: --type q8_0"
        )
    return kind


def _announce(tensor: ReaderTensor, kind: GGMLQuantizationType, writer: GGUFWriter) -> None:
    shape = tuple(map(int, reversed(tensor.shape)))
    block, size = GGML_QUANT_SIZES[kind]
    bytes_of_row = shape[-1] // block * size
    count = int(np.prod(shape[:-1])) * bytes_of_row
    writer.add_tensor_info(
        tensor.name, (*shape[:-1], bytes_of_row), np.dtype(np.uint8), count, kind
    )


def _written(tensor: ReaderTensor, lora: Lora, kind: GGMLQuantizationType) -> npt.NDArray[np.uint8]:
    """Return the bytes of a weight, those of the base where nothing is changed in it."""
    if kind == tensor.tensor_type and tensor.name not in lora.changes:
        return np.asarray(tensor.data.view(np.uint8))
    values: Matrix = dequantize(tensor.data, tensor.tensor_type)
    if tensor.name in lora.changes:
        values = values + lora.added_to(tensor.name)
    return quantized(values, kind)


def quantized(values: Matrix, kind: GGMLQuantizationType) -> npt.NDArray[np.uint8]:
    """Return a matrix in a type of llama.cpp, as bytes, row by row."""
    values = np.ascontiguousarray(values, np.float32)
    rows, columns = values.shape
    block, size = GGML_QUANT_SIZES[kind]
    made = np.empty((rows, columns // block * size), np.uint8)
    source = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    written = _QUANTIZE(int(kind), source, made.ctypes.data, 0, rows, columns, None)
    assert written == made.nbytes, f"{kind.name}: {written} bytes of {made.nbytes}"
    return made
