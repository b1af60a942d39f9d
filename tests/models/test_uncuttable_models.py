"""Models whose cache cannot be cut: the same session over them, served by decoding again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tiny_models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plans import one
from windows import tokens_of

from edge_agent.models import EngineSettings, Force, Sample, Sampling, SpanKind
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session

GREEDY = Sampling()
FACTS = [
    f"Ship number {number} was built of oak in the year {1800 + number}." for number in range(9)
]


def write(session: Session, *steps: object) -> str:
    return "".join(piece.text for piece in session.generate(one(*steps), GREEDY, 1))


@pytest.fixture(
    scope="module", params=["mamba", "hybrid", "multi_position", "gemma", "gemma_window_only"]
)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """A model of each kind that llama.cpp cannot cut, or can only with care."""
    kind = request.param
    if kind.startswith("gemma"):
        path: Path = request.getfixturevalue("gemma3")
    else:
        make: Callable[[Path], Path] = getattr(tiny_models, f"write_{kind}")
        path = make(tmp_path_factory.mktemp("tiny") / f"{kind}.gguf")
    whole_window = kind != "gemma_window_only"
    with Engine(path, EngineSettings(context=2048, threads=1, whole_window=whole_window)) as loaded:
        yield loaded


def test_it_is_known_which_of_them_can_be_cut(engine: Engine) -> None:
    """Gemma 3 can while its sliding-window layers keep the whole window, and only then."""
    engine.clear()
    engine.decode(list(range(3, 43)), 0)
    assert engine.cut(10, 20) == cuttable(engine)
    assert engine.last_position == (29 if cuttable(engine) else 39)


def test_after_a_cut_it_goes_on_as_a_fresh_session_would(engine: Engine) -> None:
    if cuttable(engine):
        pytest.skip("it is cut, so that its cells keep what they saw: texts may differ")
    session = Session(engine)
    session.append(SpanKind.SYSTEM, "You know ships.", trusted=True)
    results = [session.append(SpanKind.RESULT, fact) for fact in FACTS]
    write(session, Force("Noted."))
    for span in results[:4]:
        session.cut(span)
    session.append(SpanKind.QUESTION, "Which ship is the oldest?")
    after_cuts = write(session, Sample(8))

    fresh = Session(engine)
    fresh.append(SpanKind.SYSTEM, "You know ships.", trusted=True)
    for fact in FACTS[4:]:
        fresh.append(SpanKind.RESULT, fact)
    write(fresh, Force("Noted."))
    fresh.append(SpanKind.QUESTION, "Which ship is the oldest?")
    assert write(fresh, Sample(8)) == after_cuts


def test_cuts_in_a_row_cost_one_rebuild(engine: Engine) -> None:
    session = Session(engine)
    session.append(SpanKind.SYSTEM, "You know ships.", trusted=True)
    results = [session.append(SpanKind.RESULT, fact) for fact in FACTS]
    write(session, Sample(1))
    before = session.usage.prompt
    for span in results[:4]:
        session.cut(span)
    write(session, Sample(1))
    assert session.usage.prompt - before <= session.size


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["append", "generate", "cut", "rollback", "forget"]), st.integers(0, 30)
    ),
    max_size=10,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
def test_any_operations_leave_what_a_fresh_session_would_have(
    engine: Engine, operations: list[tuple[str, int]]
) -> None:
    session = Session(engine)
    session.append(SpanKind.SYSTEM, "You know ships.", trusted=True)
    for verb, amount in operations:
        spans = session.spans
        if verb == "append" and session.room > 400:
            session.append(SpanKind.RESULT, "oak " * amount)
        elif verb == "generate" and session.room > 400:
            write(session, Sample(1 + amount // 4))
        elif verb == "cut" and len(spans) > 1:
            session.cut(spans[1 + amount % (len(spans) - 1)])
        elif verb == "rollback" and len(spans) > 1:
            session.rollback(spans[1 + amount % (len(spans) - 1)])
        elif verb == "forget":
            session._cache.forget()
        assert session.size == sum(span.tokens for span in session.spans)
    session.append(SpanKind.QUESTION, "Which ship?")
    write(session, Force("The"))
    engine_logits = flushed_logits(session, engine)
    tokens = [token for span in session.spans for token in tokens_of(session, span)]
    assert engine.last_position + 1 == len(tokens) == session.size
    if not (cuttable(engine) and any(verb == "cut" for verb, _ in operations)):
        engine.clear()
        engine.decode(tokens, 0)
        assert np.corrcoef(engine_logits, engine.logits())[0, 1] > 0.99


def flushed_logits(session: Session, engine: Engine) -> npt.NDArray[np.float32]:
    session._cache.flush()
    return np.array(engine.logits(), np.float32)


def cuttable(engine: Engine) -> bool:
    return "gemma" in engine.path.name and engine.settings.whole_window


@pytest.mark.parametrize("back_to", [1, 3, 7], ids=["beyond the window", "at its edge", "within"])
def test_a_sliding_window_that_was_left_behind_is_decoded_again(
    engine: Engine, back_to: int
) -> None:
    session = Session(engine)
    for _ in range(8):
        session.append(SpanKind.RESULT, "Oak is a hard wood, and ships were built of it. " * 8)
        write(session, Force("Noted."))
    flushed_logits(session, engine)
    session.rollback(session.spans[2 * back_to])
    session.append(SpanKind.QUESTION, "What is oak?")
    logits = flushed_logits(session, engine)
    tokens = [token for span in session.spans for token in tokens_of(session, span)]
    engine.clear()
    engine.decode(tokens, 0)
    assert np.corrcoef(logits, engine.logits())[0, 1] > 0.99
