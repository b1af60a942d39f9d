"""The sampler chain over a real model: each setting does what it says, and can be repeated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plans import one

from edge_agent.models import (
    EngineSettings,
    Force,
    Reluctance,
    Sample,
    Sampling,
    SpanKind,
    is_json,
    json_schema_grammar,
)
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> Iterator[Engine]:
    with Engine(smollm2, EngineSettings(context=1024, threads=1)) as loaded:
        yield loaded


def generated(
    engine: Engine, sampling: Sampling, *steps: object, seed: int = 1, asked: str = "Name a ship."
) -> list[str]:
    """Return what each token of a turn adds to its text."""
    session = Session(engine)
    session.append(SpanKind.SYSTEM, "You answer briefly.", trusted=True)
    session.append(SpanKind.QUESTION, asked)
    return [piece.text for piece in session.generate(one(*steps), sampling, seed)]


def written(engine: Engine, sampling: Sampling, *steps: object, **options: Any) -> str:
    return "".join(generated(engine, sampling, *steps, **options))


LOOP = Force("oak ash elm, oak ash elm, oak ash elm, oak ash elm,")


def test_penalties_end_a_loop_that_the_model_goes_on_with_else(engine: Engine) -> None:
    assert "oak ash elm, oak" in written(engine, Sampling(), LOOP, Sample(12))[len(LOOP.text) :]
    for sampling in (Sampling(repetition_penalty=1.5), Sampling(dry_multiplier=5.0)):
        assert (
            "oak ash elm, oak" not in written(engine, sampling, LOOP, Sample(12))[len(LOOP.text) :]
        )


def test_a_model_begins_reluctantly_only_where_it_is_sure(engine: Engine) -> None:
    usual = written(engine, Sampling(), LOOP, Sample(12))

    def reluctant(nats: float, beginning: str = " oak") -> str:
        step = Sample(12, reluctance=Reluctance(beginning, nats))
        return written(engine, Sampling(), LOOP, step)

    assert usual.startswith(f"{LOOP.text} oak")
    assert reluctant(0) == usual == reluctant(1000, " elm")
    # Only the beginning counts: what it is reluctant to begin with may follow.
    assert not reluctant(1000).startswith(f"{LOOP.text} oak")
    assert " oak" in reluctant(1000)[len(LOOP.text) :]


def test_dry_lets_short_runs_and_penalties_forget_old_tokens(engine: Engine) -> None:
    plain = written(engine, Sampling(), LOOP, Sample(6))
    assert (
        written(engine, Sampling(dry_multiplier=5, dry_allowed_length=60), LOOP, Sample(6)) == plain
    )
    short = Sampling(repetition_penalty=1.5, repetition_window=1)
    assert written(engine, short, LOOP, Sample(6)) == plain


def test_evidence_may_be_repeated_whatever_the_penalty(engine: Engine) -> None:
    """Penalties look at the turn alone: what stands in a result is not counted against it."""
    asked = "Repeat: oak ash elm yew. " * 6
    strong = Sampling(repetition_penalty=1.3)
    assert "oak ash elm yew" in written(engine, strong, Force("Repeat:"), Sample(8), asked=asked)


@pytest.mark.parametrize(
    "narrow", [{"top_k": 1}, {"top_p": 0.0001}, {"min_p": 0.999}], ids=lambda each: next(iter(each))
)
def test_a_chain_that_leaves_one_token_draws_the_likeliest(
    engine: Engine, narrow: dict[str, Any]
) -> None:
    greedy = written(engine, Sampling(), Sample(10))
    assert written(engine, Sampling(temperature=3.0, **narrow), Sample(10), seed=5) == greedy


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sampling=st.builds(
        Sampling,
        temperature=st.floats(0.1, 2),
        top_p=st.floats(0.1, 1),
        top_k=st.integers(0, 50),
        min_p=st.floats(0, 0.2),
        repetition_penalty=st.floats(1, 1.5),
        dry_multiplier=st.floats(0, 2),
    ),
    seed=st.integers(0, 2**40),
)
def test_the_same_seed_writes_the_same(engine: Engine, sampling: Sampling, seed: int) -> None:
    first = written(engine, sampling, Sample(8), seed=seed)
    assert written(engine, sampling, Sample(8), seed=seed) == first


SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["ship", "bridge"]},
        "name": {"type": "string"},
        "length": {"type": "number"},
        "built": {"type": "integer"},
        "afloat": {"type": "boolean"},
        "ports": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "place": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
    "required": ["kind", "length", "built", "afloat", "ports", "place", "name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("seed", range(3))
def test_arguments_of_every_type_follow_their_schema(engine: Engine, seed: int) -> None:
    step = Sample(300, grammar=json_schema_grammar(SCHEMA), complete=is_json)
    pieces = generated(engine, Sampling(temperature=0.7), step, seed=seed)
    text = "".join(pieces)
    if len(pieces) == step.max_tokens and not is_json(text):
        pytest.skip("the model filled its tokens with one string")
    value = json.loads(text)
    assert value["kind"] in ("ship", "bridge")
    assert isinstance(value["length"], (int, float))
    assert isinstance(value["built"], int)
    assert isinstance(value["afloat"], bool)
    assert all(isinstance(port, str) for port in value["ports"])
    assert isinstance(value["place"]["city"], str)


def test_characters_that_span_tokens_come_whole(engine: Engine) -> None:
    session = Session(engine)
    session.append(SpanKind.QUESTION, "Say: 🦜🦜🦜🦜🦜🦜🦜🦜")
    plan = one(Force("🦜🦜🦜🦜"), Sample(24))
    pieces = [piece.text for piece in session.generate(plan, Sampling(), 1)]
    assert len(engine.tokenize("🦜", special=False)) > 1
    assert "🦜" in "".join(pieces[1:])
    assert not any("\ufffd" in piece for piece in pieces)
