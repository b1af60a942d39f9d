"""Excerpts: sentences chosen across passages, word for word, within one budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.index import Titled, excerpts

TEXT = st.text(alphabet="Ab. ?!\n東。é", max_size=200)
BRIDGE = "The bridge is long. It was designed by Ann Lee. Paint is red. It opened in 1890 near Rye."


def count(text: str) -> int:
    return len(text.split())


def test_the_sentences_that_answer_are_taken_in_their_order() -> None:
    (found,) = excerpts([Titled("Bridge", BRIDGE)], "who designed it, opened", count, 13)
    assert found.sentences == ("It was designed by Ann Lee.", "It opened in 1890 near Rye.")
    assert found.text == "It was designed by Ann Lee. … It opened in 1890 near Rye."


def test_the_budget_goes_where_the_answer_is() -> None:
    idle = "Nothing is known. Nobody asked. Weather was fair that day."
    first, second = excerpts(
        [Titled("Idle", idle), Titled("Bridge", BRIDGE)], "designed opened Rye", count, 14
    )
    assert second.sentences == ("It was designed by Ann Lee.", "It opened in 1890 near Rye.")
    assert len(first.sentences) <= 1


def test_what_is_foremost_counts_as_the_best_does() -> None:
    idle = [Titled("Quay", "The quay is long and red.")] * 5
    for foremost in (False, True):
        last = Titled("Pier", "A pier is long and red.", foremost=foremost)
        found = excerpts([*idle, last], "long and red", count, 12)
        assert bool(found[-1].sentences) is foremost


def test_what_was_shown_is_not_shown_again() -> None:
    shown = frozenset({"It was designed by Ann Lee."})
    (found,) = excerpts([Titled("Bridge", BRIDGE, shown)], "who designed it", count, 100)
    assert shown.isdisjoint(found.sentences)
    everything = frozenset(excerpts([Titled("", BRIDGE)], "", count, 100)[0].sentences)
    (found,) = excerpts([Titled("Bridge", BRIDGE, everything)], "who designed it", count, 100)
    assert (found.text, found.sentences) == ("", ())


class Literal:
    """An embedder to which only texts about money are alike."""

    name = "literal"
    dimensions = 2

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        money = [any(word in text for word in ("cost", "pounds")) for text in texts]
        return np.array([[1, 0] if each else [0, 1] for each in money], np.float32)


def test_an_embedder_finds_the_sentence_that_shares_no_word() -> None:
    text = "Trains use it. Painters work all year. Three million pounds were paid. It is red."
    (found,) = excerpts([Titled("Bridge", text)], "cost", count, 5, Literal())
    assert found.sentences == ("Three million pounds were paid.",)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=4), TEXT, st.integers(1, 60))
def test_excerpts_quote_word_for_word_and_keep_their_budget(
    texts: list[tuple[str, str]], query: str, tokens: int
) -> None:
    titled = [Titled(title, text) for title, text in texts]
    found = excerpts(titled, query, len, tokens)
    assert len(found) == len(texts)
    for (_, text), part in zip(texts, found, strict=True):
        flat = " ".join(text.split())
        assert all(sentence in flat for sentence in part.sentences)
    spent = [len(sentence) for part in found for sentence in part.sentences]
    if len(spent) > 1:
        assert sum(spent) <= tokens
    assert spent or not any(text.strip(". ?!\n。") for _, text in texts)


@pytest.mark.parametrize("tokens", [1, 1000])
def test_nothing_to_excerpt(tokens: int) -> None:
    assert excerpts([], "query", len, tokens) == ()
