"""Headers of GGUF files: what they say, and that no damage gets further than one sentence."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.models import InvalidModelFile, read_header

some_damage = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_header_says_what_memory_planning_needs(small_gguf: Path) -> None:
    header = read_header(small_gguf)
    assert (header.architecture, header.name, header.context) == ("llama", "Small", 512)
    assert (header.layers, header.heads, header.kv_heads) == (2, 4, 2)
    assert (header.embedding_length, header.vocabulary) == (64, 3)


def read_or_refuse(path: Path, content: bytes | bytearray) -> None:
    path.write_bytes(content)
    with contextlib.suppress(InvalidModelFile):
        read_header(path)


@some_damage
@given(content=st.binary(max_size=400), begins_well=st.booleans())
def test_any_bytes_are_read_or_refused(content: bytes, begins_well: bool, tmp_path: Path) -> None:
    start = b"GGUF" + struct.pack("<I", 3) if begins_well else b""
    read_or_refuse(tmp_path / "any.gguf", start + content)


@some_damage
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(
    small_gguf: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(small_gguf.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    read_or_refuse(tmp_path / "damaged.gguf", content[: data.draw(st.integers(0, len(content)))])


@some_damage
@given(at=st.integers(4, 400), number=st.sampled_from([2**31, 2**40, 2**63, 2**64 - 1]))
def test_an_absurd_number_anywhere_is_read_or_refused(
    small_gguf: Path, tmp_path: Path, at: int, number: int
) -> None:
    content = bytearray(small_gguf.read_bytes())
    content[at : at + 8] = struct.pack("<Q", number)
    read_or_refuse(tmp_path / "absurd.gguf", content)


@pytest.mark.parametrize("key", [b"test.bytes", b"tokenizer.ggml.tokens"])
def test_an_absurd_length_of_a_list_ends_at_once(
    small_gguf: Path, tmp_path: Path, key: bytes
) -> None:
    content = bytearray(small_gguf.read_bytes())
    at = content.index(key) + len(key) + 8
    content[at : at + 8] = struct.pack("<Q", 2**60)
    path = tmp_path / "long.gguf"
    path.write_bytes(content)
    with pytest.raises(InvalidModelFile, match="damaged"):
        read_header(path)


def test_lists_in_lists_do_not_exhaust_the_stack(tmp_path: Path) -> None:
    path = tmp_path / "deep.gguf"
    head = b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 1) + b"a" + struct.pack("<I", 9)
    path.write_bytes(head + struct.pack("<IQ", 9, 1) * 5000)
    with pytest.raises(InvalidModelFile, match="damaged"):
        read_header(path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_noticed(
    small_gguf: Path, tmp_path: Path, share: float
) -> None:
    path = tmp_path / "short.gguf"
    path.write_bytes(small_gguf.read_bytes()[: int(small_gguf.stat().st_size * share)])
    with pytest.raises(InvalidModelFile, match="cut short"):
        read_header(path)


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"GG", "not a GGUF"), (b"#!/bin/sh\n", "not a GGUF")]
)
def test_what_is_no_gguf_is_said_so(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(content)
    with pytest.raises(InvalidModelFile, match=said):
        read_header(path)


def test_a_folder_is_not_a_model(tmp_path: Path) -> None:
    with pytest.raises(InvalidModelFile, match="folder"):
        read_header(tmp_path)


@pytest.mark.parametrize("name", ["missing.gguf", "nul\0.gguf"])
def test_a_path_without_a_file_is_said_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidModelFile, match="cannot be read"):
        read_header(tmp_path / name)
