"""What a GGUF file says about itself, and whether all of it is there.

The header is walked here: the reader of the `gguf` package makes an array of every word of the
vocabulary, which takes seconds, and a damaged count keeps it busy until the memory is gone.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from .errors import InvalidModelFile

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MOST_HEADER_BYTES = 1 << 26
"""Several times the largest vocabulary there is; it bounds the work that damage can cause."""
_MOST_DIMENSIONS = 4
_MOST_NUMBERS = 1024
"""Longer lists are of words, not of layers; only their length is of interest."""
_DEFAULT_ALIGNMENT = 32

_NUMBERS = dict(enumerate("BbHhIif?")) | {10: "Q", 11: "q", 12: "d"}
"""Codes of the `struct` module, by the format's own numbers for types."""
_STRING = 8
_ARRAY = 9

_ADVICE = "Copy or download the file again."


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What it takes to reckon with a model before it is loaded; 0 where the file is silent."""

    architecture: str
    name: str
    context: int
    """Window that it was trained for, in tokens."""
    layers: int
    heads: int
    kv_heads: int
    embedding_length: int
    vocabulary: int
    head_width: int = 0
    """Values in the key of one head, where that is not the embedding shared among the heads."""
    kind: Literal["model", "adapter"] = "model"


def read_header(path: Path) -> GgufHeader:
    """Read the header of a GGUF file and check that no tensor reaches beyond its end.

    Raises InvalidModelFile, saying what is wrong with which file.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            _require_magic(path, file.read(len(_MAGIC)))
            return _read_rest(path, _Reader(file, size))
    except IsADirectoryError as error:
        raise InvalidModelFile(f"{path} is a folder, not a GGUF model. Name the file.") from error
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidModelFile(f"The model {path} cannot be read: {reason}.") from error


@dataclass(frozen=True, slots=True)
class _Array:
    length: int
    numbers: tuple[float, ...] = ()


_Value = int | float | str | _Array


class _Damage(Exception):
    """The header contradicts itself or ends too early."""


class _Reader:
    """Reads values one after the other, and never more than a header can hold."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        self.at = file.tell()
        self._end = min(size, _MOST_HEADER_BYTES)

    def bytes(self, count: int) -> bytes:
        """Return the next bytes. Raises _Damage where there are not as many."""
        self.at += count
        if self.at > self._end:
            raise _Damage
        data = self._file.read(count)
        if len(data) != count:
            raise _Damage
        return data

    def number(self, code: str) -> float:
        """Return the next number, by its code in the `struct` module."""
        (value,) = struct.unpack(f"<{code}", self.bytes(struct.calcsize(f"<{code}")))
        return value  # type: ignore[no-any-return]

    def count(self, code: str = "Q") -> int:
        """Return the next number, which is an unsigned integer."""
        return int(self.number(code))

    def text(self) -> str:
        """Return the next string."""
        return self.bytes(self.count()).decode("utf-8", errors="replace")

    def value(self, kind: int) -> _Value:
        """Return the next value of the metadata."""
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array(self.count("I"), self.count())
        raise _Damage

    def _array(self, kind: int, length: int) -> _Array:
        if kind in _NUMBERS:
            code = _NUMBERS[kind]
            data = self.bytes(length * struct.calcsize(f"<{code}"))
            few = length <= _MOST_NUMBERS
            return _Array(length, struct.unpack(f"<{length}{code}", data) if few else ())
        if kind != _STRING:
            raise _Damage
        for _ in range(length):
            self.bytes(self.count())
        return _Array(length)


def _require_magic(path: Path, start: bytes) -> None:
    if not start:
        raise InvalidModelFile(f"{path} is empty. {_ADVICE}")
    if start != _MAGIC:
        raise InvalidModelFile(f"{path} is not a GGUF model. Use a file that ends in .gguf.")


def _read_rest(path: Path, reader: _Reader) -> GgufHeader:
    try:
        if reader.count("I") not in _VERSIONS:
            raise _Damage
        tensors, entries = reader.count(), reader.count()
        metadata = {}
        for _ in range(entries):
            key = reader.text()
            metadata[key] = reader.value(reader.count("I"))
        end = max((_tensor_end(reader) for _ in range(tensors)), default=0)
        end += _aligned(reader.at, metadata)
        header = _header(metadata)
    except (_Damage, TypeError, ValueError, OverflowError) as error:
        raise InvalidModelFile(
            f"{path} begins like a GGUF model but is damaged or cut short. {_ADVICE}"
        ) from error
    if tensors == 0:
        raise InvalidModelFile(f"{path} is a GGUF file without any weights. {_ADVICE}")
    if end > reader.size:
        raise InvalidModelFile(
            f"{path} is cut short: {reader.size:,} bytes of at least {end:,} are there. {_ADVICE}"
        )
    return header


def _tensor_end(reader: _Reader) -> int:
    """Read what is said about a tensor; returns where it ends, counted from the first tensor."""
    from gguf.constants import GGML_QUANT_SIZES

    reader.text()
    dimensions = reader.count("I")
    if dimensions > _MOST_DIMENSIONS:
        raise _Damage
    elements = math.prod(reader.count() for _ in range(dimensions))
    kind, offset = reader.count("I"), reader.count()
    # Of a type that is newer than the library no size is known, only its place can be checked.
    block, block_bytes = GGML_QUANT_SIZES.get(kind, (1, 0))
    return int(offset + elements // block * block_bytes)


def _aligned(at: int, metadata: dict[str, _Value]) -> int:
    """Return where the tensors begin if the header ends at `at`."""
    alignment = _integer(metadata.get("general.alignment", _DEFAULT_ALIGNMENT))
    if alignment <= 0:
        raise _Damage
    return -(-at // alignment) * alignment


def _header(metadata: dict[str, _Value]) -> GgufHeader:
    architecture = str(metadata.get("general.architecture", ""))

    def own(key: str, default: int = 0) -> int:
        return _integer(metadata.get(f"{architecture}.{key}", default))

    words = metadata.get("tokenizer.ggml.tokens")
    heads = own("attention.head_count")
    return GgufHeader(
        architecture=architecture,
        name=str(metadata.get("general.name", "")),
        context=own("context_length"),
        layers=own("block_count"),
        heads=heads,
        kv_heads=own("attention.head_count_kv", heads),
        embedding_length=own("embedding_length"),
        vocabulary=words.length if isinstance(words, _Array) else 0,
        head_width=own("attention.key_length"),
        kind="adapter" if metadata.get("general.type") == "adapter" else "model",
    )


def _integer(value: _Value) -> int:
    """Return a value that is to be an integer; of a list with one for each layer, the largest."""
    return int(max(value.numbers) if isinstance(value, _Array) else value)
