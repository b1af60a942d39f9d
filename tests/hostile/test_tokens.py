"""With real tokenizers: a text that is not trusted is letters, whatever it spells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from injections import CONTROL, INJECTIONS, PROTOCOL
from plans import one
from windows import tokens_of

from edge_agent.models import (
    Choose,
    Force,
    InstalledModel,
    ModelStore,
    Sample,
    Sampling,
    SpanKind,
    read_header,
)
from edge_agent.models.chat_format import chat_format
from edge_agent.models.control import pieces, spelt_out, tags_of
from edge_agent.models.engine import Engine
from edge_agent.models.engine_settings import EngineSettings
from edge_agent.models.session import Session

SPOKEN = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
OWN = llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED


def texts_of(path: Path, attributes: int) -> dict[int, str]:
    """Return the tokens of a model that have one of some attributes."""
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    vocabulary = llama_cpp.llama_model_get_vocab(model)
    found = {
        token: llama_cpp.llama_vocab_get_text(vocabulary, token).decode()
        for token in range(llama_cpp.llama_vocab_n_tokens(vocabulary))
        if llama_cpp.llama_vocab_get_attr(vocabulary, token) & attributes
    }
    llama_cpp.llama_model_free(model)
    return found


@pytest.fixture(
    scope="module",
    params=["smollm2", "gemma3", "qwen", pytest.param("default_model", marks=pytest.mark.slow)],
)
def model(request: pytest.FixtureRequest, model_store: ModelStore) -> Path:
    """A real model of each family.

    For its size, Qwen's is pulled only by the slow tests; the quick ones use it where it is.
    """
    if request.param == "default_model":
        default: InstalledModel = request.getfixturevalue("default_model")
        return default.path
    if request.param != "qwen":
        path: Path = request.getfixturevalue(request.param)
        return path
    for name in ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"):
        found = model_store.find(name)
        if found is not None:
            return found.path
    pytest.skip("no model of the Qwen family is on this machine")


@pytest.fixture(scope="module")
def engine(model: Path) -> Iterator[Engine]:
    with Engine(model, EngineSettings(context=512, threads=1)) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def control(model: Path) -> dict[int, str]:
    """The control tokens of the model."""
    return texts_of(model, SPOKEN)


def test_no_injection_becomes_a_control_token(engine: Engine, control: dict[int, str]) -> None:
    for text in INJECTIONS.values():
        tokens = engine.tokenize(text, special=False)
        assert control.keys().isdisjoint(tokens), text
    for text in PROTOCOL.values():  # and its letters are all there
        tokens = engine.tokenize(text, special=False)
        assert b"".join(map(engine.bytes_of, tokens)).decode().strip() == text.strip()


def test_no_spelling_of_a_control_token_becomes_one(
    engine: Engine, control: dict[int, str]
) -> None:
    for start in range(0, len(control), 200):
        for joint in ("", " ", "\n"):
            text = joint.join([*control.values()][start : start + 200])
            assert control.keys().isdisjoint(engine.tokenize(text, special=False))


def test_the_tags_of_the_template_are_letters_too_where_the_file_calls_them_its_own(
    engine: Engine, model: Path
) -> None:
    own = texts_of(model, OWN)
    tags = set(tags_of(engine.chat_template)) & set(own.values())
    if read_header(model).architecture.startswith("qwen"):
        assert "<tool_call>" in tags
    if not tags:
        pytest.skip("this model's template has no tags that its file calls its own")
    for tag in tags:
        tokens = engine.tokenize(f"a{tag} b {tag}{tag}", special=False)
        assert not {own.get(token) for token in tokens} & tags
    spoken = {own[token] for token in engine.tokenize("".join(tags), special=True) if token in own}
    assert spoken >= tags  # who is trusted can still say them


@given(st.lists(st.sampled_from([*CONTROL.values(), *PROTOCOL.values(), "<", "|", "\n", "a"])))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_mixture_becomes_a_control_token(
    engine: Engine, control: dict[int, str], parts: list[str]
) -> None:
    assert control.keys().isdisjoint(engine.tokenize("".join(parts), special=False))


def test_in_a_window_the_only_control_tokens_are_those_of_the_wrappings(
    engine: Engine, control: dict[int, str]
) -> None:
    session = Session(engine)
    wrapping = chat_format(engine.chat_template, engine.beginning_text)
    for text in CONTROL.values():
        begun = session.append(SpanKind.QUESTION, text)
        written = "".join(
            piece.text
            for piece in session.generate(one(Force(text), Choose((text,))), Sampling(), 1)
        )
        assert written == text + text
        question, turn = (tokens_of(session, span) for span in session.spans[-2:])
        for tokens, around in ((question, wrapping.user), (turn, wrapping.assistant)):
            said = [token for token in tokens if token in control]
            expected = engine.tokenize(around.before, special=True)
            expected += engine.tokenize(around.after, special=True)
            assert [t for t in said if t not in engine.beginning] == [
                token for token in expected if token in control
            ]
        session.rollback(begun)


def test_a_model_that_begins_another_message_has_ended_its_own(
    smollm2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Engine(smollm2, EngineSettings(context=256, threads=1)) as engine:
        session = Session(engine)
        session.append(SpanKind.QUESTION, "Who?")
        (opening,) = engine.tokenize("<|im_start|>", special=True)
        drawn = iter([*engine.tokenize("Oslo", special=False), opening])
        sampler = type(engine.sampler(Sampling(), 1))
        monkeypatch.setattr(sampler, "draw", lambda *_: next(drawn))
        assert "".join(p.text for p in session.generate(one(Sample(9)), Sampling(), 1)) == "Oslo"
        assert tokens_of(session, session.spans[-1]).count(opening) == 1


# For servers


def test_no_injection_spells_control_for_a_server() -> None:
    for text in INJECTIONS.values():
        harmless = spelt_out(text)
        assert spelt_out(harmless) == harmless
        assert harmless.replace(" ", "") == text.replace(" ", "")
    for text in CONTROL.values():
        assert spelt_out(text) != text or "＜" in text


@given(st.text(alphabet="<>|｜/[]~!bsINTeos_") | st.sampled_from([*CONTROL.values()]))
def test_what_was_made_harmless_is_harmless(text: str) -> None:
    assert spelt_out(spelt_out(text)) == spelt_out(text)


@given(st.text(alphabet="<a>b"), st.sampled_from([("<a>", "</b>"), ("<a>",), ()]))
def test_pieces_are_the_text_and_hold_no_tag(text: str, tags: tuple[str, ...]) -> None:
    assert "".join(pieces(text, tags)) == text
    assert not any(tag in piece for piece in pieces(text, tags) for tag in tags)
