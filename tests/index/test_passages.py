"""Passages: how texts are split, and what bounds them whatever a document says."""

from __future__ import annotations

from edge_agent.index.documents import Document, Section
from edge_agent.index.passages import split


def document(text: str, title: str = "Ships", headings: tuple[str, ...] = ()) -> Document:
    return Document("d", title, "/d", text, (Section(0, len(text), headings),))


def test_a_passage_ends_where_empty_lines_would_make_it_long() -> None:
    gap = "\n" * 10_000
    text = f"She sank.{gap}She was raised.\n\nShe sails.{gap}{gap}She rests."
    texts = [passage.text for passage in split(document(text))]
    assert texts == ["She sank.", "She was raised.\n\nShe sails.", "She rests."]
    few = f"She sank.{gap[:1000]}She was raised."
    assert [passage.text for passage in split(document(few))] == [few]


def test_titles_and_headings_are_cut_where_they_are_long() -> None:
    (passage,) = split(document("She sank.", "Fram \n  sank", ("Ice",)))
    assert passage.label == "Fram sank › Ice"
    (passage,) = split(document("She sank.", "Fram " * 9_000, ("x" * 9_000,)))
    assert passage.title == f"{'Fram ' * 39}Fram…"
    assert passage.headings == (f"{'x' * 199}…",)
