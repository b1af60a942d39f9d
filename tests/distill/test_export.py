"""Adapters made of checkpoints: what llama.cpp computes with them is what was trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import export
import numpy as np
import numpy.typing as npt
import pytest
from base_model import BaseModel
from checkpoint import read_checkpoint
from checkpoints import SMALL, SMOLLM2, random_tensors, write_checkpoint
from gguf import (
    GGMLQuantizationType,
    GGUFReader,
    GGUFValueType,
    GGUFWriter,
    dequantize,
    quantize,
)
from hypothesis import given
from hypothesis import strategies as st
from lora import Change, Lora, read_lora, write_lora
from merging import TYPES, quantized
from reference import logits_after, weights_of
from safetensors.numpy import load_file
from tiny_models import write_adapter, write_llama

from edge_agent.home import Home
from edge_agent.models import (
    Adapter,
    EngineSettings,
    InvalidModelFile,
    ModelStore,
    TunedSettings,
    read_header,
)
from edge_agent.models.engine import Engine
from edge_agent.models.tuned import Tuned

PROMPTS = ("Paris", "fibonacci", "lighthouse-keeper")
ALPHA, RANK = 16, 8
TRAINING = {"method": "reading", "examples": 408, "licence": "CC BY-SA"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("distill")


@pytest.fixture(scope="module")
def base(folder: Path) -> Path:
    """A small llama in floats."""
    return write_llama(folder / "base.gguf")


@pytest.fixture(scope="module")
def checkpoint(folder: Path) -> Path:
    """A checkpoint that changes all projections of the small llama."""
    made = write_checkpoint(folder / "checkpoint", random_tensors(SMALL, range(2)))
    (made / "training.json").write_text(json.dumps(TRAINING, indent=1))
    return made


@pytest.fixture(scope="module")
def adapter(folder: Path, checkpoint: Path, base: Path) -> Path:
    path = folder / "adapter.gguf"
    assert run("adapter", checkpoint, "--base", base, "-o", path) == 0
    return path


def run(*arguments: object) -> int:
    return export.main([str(each) for each in arguments])


def logits(model: Path, adapter: Adapter | None = None) -> Any:
    """Return what llama.cpp's logits are after each prompt, a row a prompt."""
    rows = []
    with Engine(model, EngineSettings(context=256, threads=1, adapter=adapter)) as engine:
        for prompt in PROMPTS:
            engine.clear()
            engine.decode(engine.tokenize(prompt, special=False), 0)
            rows.append(engine.logits().copy())
    return np.stack(rows)


def expected_logits(base: Path, checkpoint: Path, scale: float) -> Any:
    """Return what the logits are in transformers, a row a prompt."""
    weights = weights_of(base)
    tensors = load_file(checkpoint / "adapter_model.safetensors")
    for name, down in tensors.items():
        if name.endswith("lora_A.weight"):
            up = tensors[name.replace("lora_A", "lora_B")]
            module = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
            weights[module] = weights[module] + scale * up @ down
    with Engine(base, EngineSettings(context=256, threads=1)) as engine:
        texts = [engine.tokenize(prompt, special=False) for prompt in PROMPTS]
    return np.stack([logits_after(tokens, weights) for tokens in texts])


def likeness(one: Any, other: Any) -> float:
    """Return the cosine of the two most different rows, each around its mean."""
    one, other = (rows - rows.mean(axis=1, keepdims=True) for rows in (one, other))
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(axis=1) / lengths).min())


# What is computed


@pytest.mark.parametrize("alpha", [ALPHA, 2 * ALPHA])
def test_llama_cpp_computes_what_was_trained(alpha: int, base: Path, tmp_path: Path) -> None:
    tensors = random_tensors(SMALL, range(2))
    made = write_checkpoint(tmp_path / "checkpoint", tensors, lora_alpha=alpha)
    adapter, baked = tmp_path / "adapter.gguf", tmp_path / "baked.gguf"
    assert run("adapter", made, "--base", base, "-o", adapter) == 0
    assert run("bake", adapter, "--base", base, "-o", baked) == 0
    expected = expected_logits(base, made, alpha / RANK)
    found = logits(base, Adapter(adapter))
    assert likeness(found, expected) > 0.9999
    assert likeness(logits(baked), expected) > 0.9999
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()
    # It would show if the adapter were not applied, or half as strongly.
    assert likeness(logits(base), expected) < 0.95
    assert likeness(logits(base, Adapter(adapter, scale=0.5)), expected) < 0.99


@pytest.mark.parametrize("part", ["self_attn.q_proj", "self_attn.k_proj"])
def test_it_shows_if_rows_are_in_the_wrong_order(part: str, base: Path, tmp_path: Path) -> None:
    tensors = random_tensors({part: SMALL[part]}, range(2), size=0.4)
    made, adapter = write_checkpoint(tmp_path / "checkpoint", tensors), tmp_path / "adapter.gguf"
    lora = read_checkpoint(made, BaseModel(base))
    write_lora(lora, adapter)
    expected = expected_logits(base, made, ALPHA / RANK)
    assert likeness(logits(base, Adapter(adapter)), expected) > 0.9999
    wrong = {
        name: Change(change.down, np.roll(change.up, 1, axis=0))
        for name, change in lora.changes.items()
    }
    write_lora(replace(lora, changes=wrong), adapter)
    assert likeness(logits(base, Adapter(adapter)), expected) < 0.999


@pytest.mark.parametrize(("kind", "least"), [("f16", 0.9999), ("q8_0", 0.99), ("q4_0", 0.85)])
def test_a_baked_model_of_any_type_computes_the_same(
    kind: str, least: float, adapter: Path, base: Path, tmp_path: Path
) -> None:
    baked = tmp_path / "baked.gguf"
    assert run("bake", adapter, "--base", base, "--type", kind, "-o", baked) == 0
    assert likeness(logits(baked), logits(base, Adapter(adapter))) > least
    kinds = {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(baked).tensors}
    assert kinds["blk.0.attn_q.weight"] == kind.upper()
    assert (kinds["token_embd.weight"], kinds["blk.0.attn_norm.weight"]) == ("F32", "F32")
    store = ModelStore(tmp_path / "models")
    assert store.add("baked", baked).header == read_header(base)


def test_without_a_type_each_weight_keeps_its_own(
    adapter: Path, base: Path, home: Path, tmp_path: Path
) -> None:
    made = write_checkpoint(tmp_path / "checkpoint", random_tensors(SMALL, range(1, 2)))
    upper, mixed, baked = (tmp_path / f"{name}.gguf" for name in ("upper", "mixed", "baked"))
    assert run("adapter", made, "--base", base, "-o", upper) == 0
    assert run("bake", adapter, "--base", base, "--type", "q8_0", "-o", mixed) == 0
    assert run("bake", upper, "--base", mixed, "-o", baked) == 0
    before, after, changed = GGUFReader(mixed), GGUFReader(baked), read_lora(upper).changes
    assert {name.split(".")[1] for name in changed} == {"1"}
    for one, other in zip(before.tensors, after.tensors, strict=True):
        assert (one.name, one.tensor_type) == (other.name, other.tensor_type)
        assert (one.data == other.data).all() != (one.name in changed)
    fields = {name: field.contents() for name, field in before.fields.items()}
    assert fields == {name: field.contents() for name, field in after.fields.items()}


def test_a_base_that_is_aligned_otherwise_is_baked_so(
    adapter: Path, base: Path, tmp_path: Path
) -> None:
    aligned, baked = tmp_path / "aligned.gguf", tmp_path / "baked.gguf"
    read = GGUFReader(base)
    writer = GGUFWriter(aligned, "llama")
    writer.add_custom_alignment(64)
    for field in read.fields.values():
        if field.name != "general.architecture" and not field.name.startswith("GGUF."):
            kind = field.types[0]
            of = field.types[-1] if kind == GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, sub_type=of)
    for tensor in read.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert run("bake", adapter, "--base", aligned, "--type", "f16", "-o", baked) == 0
    assert GGUFReader(baked).alignment == 64
    assert likeness(logits(baked), logits(base, Adapter(adapter))) > 0.9999


def test_where_repacking_was_found_faster_it_is_baked_for_that(
    adapter: Path, base: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ModelStore(home / "models").resolve(str(base))
    assert model is not None
    tuned = Tuned(threads=1, batch=128, kv_type="f16", repack=True)
    TunedSettings(Home(home).tuning).keep(model, tuned)
    baked = tmp_path / "baked.gguf"
    assert run("bake", adapter, "--base", base, "-o", baked, "--json") == 0
    assert json.loads(capsys.readouterr().out)["type"] == "q4_0"
    kinds = {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(baked).tensors}
    assert kinds["blk.0.attn_q.weight"] == "Q4_0"


@pytest.mark.slow
def test_a_real_model_is_baked(smollm2: Path, tmp_path: Path) -> None:
    tensors = random_tensors(SMOLLM2, range(12, 18), size=0.08)
    made = write_checkpoint(tmp_path / "checkpoint", tensors)
    adapter, baked = tmp_path / "adapter.gguf", tmp_path / "baked.gguf"
    assert run("adapter", made, "--base", smollm2, "-o", adapter) == 0
    assert run("bake", adapter, "--base", smollm2, "--type", "f16", "-o", baked) == 0
    expected, found = logits(smollm2, Adapter(adapter)), logits(baked)
    assert likeness(expected, logits(smollm2)) < 0.95
    assert likeness(expected, found) > 0.997  # their inputs are rounded otherwise
    assert (expected.argmax(axis=1) == found.argmax(axis=1)).all()


# What is written


def test_the_adapter_says_what_it_is(
    adapter: Path,
    checkpoint: Path,
    base: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert read_header(adapter).kind == "adapter"
    lora = read_lora(adapter)
    assert (lora.architecture, lora.alpha) == ("llama", 16.0)
    assert json.loads(lora.training or "") == TRAINING
    trained = read_checkpoint(checkpoint, BaseModel(base))
    assert list(lora.changes) == list(trained.changes)
    for name, change in trained.changes.items():
        assert np.allclose(lora.changes[name].up, change.up, atol=1e-3)
    again = tmp_path / "again.gguf"
    assert run("adapter", checkpoint, "--base", base, "-o", again, "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert again.read_bytes() == adapter.read_bytes()
    assert (record["bytes"], record["rank"], record["weights"]) == (again.stat().st_size, RANK, 14)


def test_training_can_go_on_from_an_adapter(
    adapter: Path, checkpoint: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start, again = tmp_path / "start", tmp_path / "again.gguf"
    assert run("checkpoint", adapter, "--base", base, "-o", start) == 0
    trained, back = (
        load_file(folder / "adapter_model.safetensors") for folder in (checkpoint, start)
    )
    assert trained.keys() == back.keys()
    assert all(np.allclose(back[name], values, atol=1e-3) for name, values in trained.items())
    assert json.loads((start / "training.json").read_text("utf-8")) == TRAINING
    assert run("adapter", start, "--base", base, "-o", again) == 0
    assert again.read_bytes() == adapter.read_bytes()
    capsys.readouterr()
    assert "is there already" in said(capsys, ["checkpoint", adapter, "--base", base, "-o", start])


def test_a_checkpoint_that_is_broken_off_leaves_nothing(
    adapter: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "start"
    command = ["checkpoint", adapter, "--base", base, "-o", output]
    with monkeypatch.context() as patched:
        patched.setattr("checkpoint._config", lambda _: _interrupted())
        with pytest.raises(KeyboardInterrupt):
            run(*command)
    assert not list(tmp_path.iterdir())
    draft = tmp_path / "start.draft"  # of one that was killed
    draft.mkdir()
    (draft / "training.json").write_text("{}")
    assert run(*command) == 0
    assert {each.name for each in tmp_path.iterdir()} == {"start"}
    assert json.loads((output / "training.json").read_text("utf-8")) == TRAINING


def _interrupted() -> str:
    raise KeyboardInterrupt


def test_half_floats_of_training_are_read(base: Path, tmp_path: Path) -> None:
    """Training in bfloat16 is what numpy has no type for."""
    tensors = random_tensors({"self_attn.v_proj": (64, 32)}, range(1))
    path = write_checkpoint(tmp_path / "checkpoint", tensors) / "adapter_model.safetensors"
    header: dict[str, Any] = {}
    body = b""
    for name, values in tensors.items():
        data = quantize(values, GGMLQuantizationType.BF16).tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "BF16", "shape": list(values.shape), "data_offsets": offsets}
        body += data
    head = json.dumps(header).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + body)
    (change,) = read_checkpoint(path.parent, BaseModel(base)).changes.values()
    trained = tensors["base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight"]
    assert np.allclose(change.down, trained, rtol=0.01)


@given(data=st.data())
def test_an_adapter_is_read_as_it_was_written(data: st.DataObject, folder: Path) -> None:
    halves = st.floats(-8, 8, width=16)
    alpha = data.draw(st.floats(0.5, 512, width=32))
    rank, inputs, outputs = (data.draw(st.integers(1, 4)) for _ in range(3))
    down, up = (
        np.array(data.draw(st.lists(halves, min_size=count, max_size=count)), np.float32)
        for count in (rank * inputs, outputs * rank)
    )
    change = Change(down.reshape(rank, inputs), up.reshape(outputs, rank))
    training = data.draw(st.none() | st.text(max_size=20).map(json.dumps))
    path = folder / "drawn.gguf"
    write_lora(Lora("qwen2", alpha, {"blk.0.attn_q.weight": change}, training), path)
    found = read_lora(path)
    assert (found.architecture, found.alpha, found.training) == ("qwen2", alpha, training)
    assert (found.changes["blk.0.attn_q.weight"].down == change.down).all()
    assert (found.changes["blk.0.attn_q.weight"].up == change.up).all()


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_comes_back_near_what_it_was(kind: str) -> None:
    values = np.random.default_rng(1).standard_normal((4, 512)).astype(np.float32)
    back = dequantize(quantized(values, TYPES[kind]), TYPES[kind])
    error = np.linalg.norm(back - values) / np.linalg.norm(values)
    assert error < {"q2_k": 0.4, "q3_k": 0.25}.get(kind, 0.12)


# What is refused


def said(capsys: pytest.CaptureFixture[str], arguments: Sequence[object]) -> str:
    assert run(*arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.strip().count("\n") == 0
    return shown.err.strip()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"use_rslora": True}, "sets use_rslora"),
        ({"use_dora": True}, "sets use_dora"),
        ({"rank_pattern": {"q_proj": 4}}, "sets rank_pattern"),
        ({"modules_to_save": ["lm_head"]}, "sets modules_to_save"),
        ({"bias": "all", "lora_bias": True}, "sets lora_bias, bias"),
        ({"init_lora_weights": "pissa"}, "sets init_lora_weights"),
        ({"peft_type": "IA3"}, "not the configuration of a LoRA"),
        ({"lora_alpha": 0}, "no lora_alpha above nought"),
        ({"lora_alpha": None}, "no lora_alpha above nought"),
    ],
)
def test_what_is_no_plain_lora_is_refused(
    settings: dict[str, Any], why: str, base: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    tensors = random_tensors({"self_attn.v_proj": (64, 32)}, range(1))
    made = write_checkpoint(tmp_path / "checkpoint", tensors, **settings)
    output = tmp_path / "adapter.gguf"
    assert why in said(capsys, ["adapter", made, "--base", base, "-o", output])
    assert not output.exists()


V = "base_model.model.model.layers.0.self_attn.v_proj"
A, B = np.ones((2, 64), np.float32), np.ones((32, 2), np.float32)


@pytest.mark.parametrize(
    ("tensors", "why"),
    [
        ({}, "lacks, or should not have: any"),
        ({f"{V}.lora_A.weight": A}, f"lacks, or should not have: {V}.lora_B.weight"),
        ({f"{V}.lora_A.weight": A, f"{V}.lora_B.weight": B[:, :1]}, "the ranks of A and B"),
        ({f"{V}.lora_A.weight": A[:, :5], f"{V}.lora_B.weight": B}, "has 64 by 32"),
        ({f"{V}.lora_A.weight": A, f"{V}.lora_B.weight": B * np.inf}, "diverged"),
        ({f"{V}.lora_A.weight": A, f"{V}.lora_B.weight": B * 70000}, "too large for float16"),
        ({f"{V}.lora_A.weight": A.astype(np.int32), f"{V}.lora_B.weight": B}, "matrix of floats"),
        ({"other.lora_A.weight": A, "other.lora_B.weight": B}, "other is no weight of a llama"),
        ({f"{V}.lora_magnitude_vector": B, f"{V}.lora_A.weight": A}, "lora_magnitude_vector"),
        (
            {
                f"{V.replace('.0.', '.1.')}.lora_A.weight": A,
                f"{V.replace('.0.', '.1.')}.lora_B.weight": B[:7],
            },
            "blk.1.attn_v.weight of 64 inputs and 7 outputs",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_refused(
    tensors: dict[str, npt.NDArray[np.float32]], why: str, base: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    made = write_checkpoint(tmp_path / "checkpoint", tensors)
    said_of_it = said(capsys, ["adapter", made, "--base", base, "-o", tmp_path / "adapter.gguf"])
    assert why in said_of_it


@pytest.mark.parametrize("content", [b"", b"{", b"[]", bytes(range(64))], ids=repr)
@pytest.mark.parametrize("file", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_damaged_checkpoint_is_one_sentence(
    file: str, content: bytes, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = random_tensors({"self_attn.v_proj": (64, 32)}, range(1))
    made = write_checkpoint(tmp_path / "checkpoint", tensors)
    (made / file).write_bytes(content)
    arguments = ["adapter", made, "--base", base, "-o", tmp_path / "adapter.gguf"]
    assert file in said(capsys, arguments)
    (made / file).unlink()
    assert file in said(capsys, arguments)


def test_what_is_no_base_and_no_adapter_is_refused(
    adapter: Path, checkpoint: Path, base: Path, home: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    output = tmp_path / "baked.gguf"
    foreign = write_adapter(tmp_path / "foreign.gguf", "qwen2", {"blk.0.attn_v.weight": (8, 8)})
    width, words = map(int, BaseModel(base).weights["token_embd.weight"].shape)
    head = write_adapter(tmp_path / "head.gguf", "llama", {"token_embd.weight": (width, words)})
    mixed = tmp_path / "mixed.gguf"
    first, *others = read_lora(adapter).changes.items()
    thin = Change(first[1].down[:2], first[1].up[:, :2])
    write_lora(Lora("llama", 16.0, {first[0]: thin, **dict(others)}), mixed)
    own = tmp_path / "own.gguf"
    own.write_bytes(base.read_bytes())
    for arguments, why in [
        (["adapter", checkpoint, "--base", "nothing"], "models list"),
        (["adapter", checkpoint, "--base", adapter], "is an adapter"),
        (["adapter", checkpoint, "--base", "http://127.0.0.1:1/v1#x"], "not a whole model"),
        (["bake", base, "--base", base], "not an adapter"),
        (["bake", foreign, "--base", base], "the architecture qwen2"),
        (["bake", adapter, "--base", base, "--type", "q4_k"], "blocks of 256"),
        (["bake", tmp_path / "none.gguf", "--base", base], "cannot be read"),
        (["checkpoint", foreign, "--base", base], "the architecture qwen2"),
        (["checkpoint", head, "--base", base], "goes on only with: attn_q"),
        (["checkpoint", mixed, "--base", base], "several ranks (2, 8)"),
    ]:
        assert why in said(capsys, [*arguments, "-o", output])
    assert "is the base itself" in said(capsys, ["bake", adapter, "--base", own, "-o", own])
    assert own.read_bytes() == base.read_bytes()
    assert not output.exists()
    assert not list(tmp_path.glob("*.draft"))


def test_a_base_whose_order_is_not_known_is_refused(
    gemma3: Path, checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidModelFile, match="architecture gemma3"):
        read_checkpoint(checkpoint, BaseModel(gemma3))
