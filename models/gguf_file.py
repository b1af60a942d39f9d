"""What a GGUF file says about itself, and whether all of it is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InvalidModelFile

if TYPE_CHECKING:
    from gguf import GGUFReader

_MAGIC = b"GGUF"
_MOST_ENTRIES = 1_000_000
"""More tensors or metadata than any model has: such a count is damage, not work to do."""


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


def read_header(path: Path) -> GgufHeader:
    """Read the header of a GGUF file and check that no tensor reaches beyond its end.

    Raises InvalidModelFile, saying what is wrong with which file.
    """
    size = _checked_size(path)
    from gguf import GGUFReader

    try:
        reader = GGUFReader(path)
        end = max((int(t.data_offset) + int(t.n_bytes) for t in reader.tensors), default=0)
        header = _header(reader)
    except Exception as error:  # the reader was not written for damaged files
        raise InvalidModelFile(
            f"{path} begins like a GGUF model but is damaged or cut short. {_ADVICE}"
        ) from error
    if end == 0 or end > size:
        raise InvalidModelFile(
            f"{path} is cut short: {size:,} bytes of at least {end:,} are there. {_ADVICE}"
        )
    return header


_ADVICE = "Copy or download the file again."


def _checked_size(path: Path) -> int:
    """Return the file's size, once it is clear that it is a file which begins like a GGUF."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(24)
    except IsADirectoryError as error:
        raise InvalidModelFile(f"{path} is a folder, not a GGUF model. Name the file.") from error
    except OSError as error:
        raise InvalidModelFile(f"The model {path} cannot be read: {error.strerror}.") from error
    if not start:
        raise InvalidModelFile(f"{path} is empty. {_ADVICE}")
    if start[:4] != _MAGIC:
        raise InvalidModelFile(f"{path} is not a GGUF model. Use a file that ends in .gguf.")
    tensors, entries = (int.from_bytes(start[at : at + 8], "little") for at in (8, 16))
    if len(start) < 24 or tensors > _MOST_ENTRIES or entries > _MOST_ENTRIES:
        raise InvalidModelFile(f"The header of {path} is damaged. {_ADVICE}")
    return size


def _header(reader: GGUFReader) -> GgufHeader:
    architecture = str(_value(reader, "general.architecture", ""))
    heads = int(_value(reader, f"{architecture}.attention.head_count", 0))
    return GgufHeader(
        architecture=architecture,
        name=str(_value(reader, "general.name", "")),
        context=int(_value(reader, f"{architecture}.context_length", 0)),
        layers=int(_value(reader, f"{architecture}.block_count", 0)),
        heads=heads,
        kv_heads=int(_value(reader, f"{architecture}.attention.head_count_kv", heads)),
        embedding_length=int(_value(reader, f"{architecture}.embedding_length", 0)),
        vocabulary=_length(reader, "tokenizer.ggml.tokens"),
    )


def _value(reader: GGUFReader, key: str, default: Any) -> Any:
    """Return a value of the metadata; of a list with one for each layer, the largest."""
    field = reader.get_field(key)
    if field is None:
        return default
    value = field.contents()
    return max(value) if isinstance(value, list) else value


def _length(reader: GGUFReader, key: str) -> int:
    field = reader.get_field(key)
    return 0 if field is None else len(field.data)
