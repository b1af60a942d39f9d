"""Tools: what the model reads, and what it does not have to read twice."""

from __future__ import annotations

from typing import Any

import pytest

from edge_agent.evidence import Evidence, Quote
from edge_agent.index import Collection
from edge_agent.tools import TOOLS, ToolContext, ToolError, ToolResult


def context(
    library: Collection, evidence: Evidence, visible: tuple[Quote, ...] = (), results: int = 3
) -> ToolContext:
    return ToolContext(
        library=library,
        evidence=evidence,
        question="Where was the designer of the Fram born?",
        count=lambda text: len(text.split()),
        results=results,
        tokens=100,
        visible=frozenset(visible),
    )


def run(tool: str, where: ToolContext, **arguments: Any) -> ToolResult:
    return TOOLS[tool].run(arguments, where)


def test_a_search_shows_numbered_passages(ships: Collection) -> None:
    found = run("search", context(ships, Evidence()), query="Colin Archer")
    assert found.text.startswith("[1] Colin Archer: ")
    assert Quote(1, "Colin Archer was born in Larvik.") in found.shown


def test_what_stands_in_the_window_is_named_and_makes_room(ships: Collection) -> None:
    evidence = Evidence()
    first = run("search", context(ships, evidence, results=1), query="Colin Archer")
    again = run("search", context(ships, evidence, first.shown, results=1), query="Colin Archer")
    assert "See above: [1]" in again.text
    assert "Larvik" not in again.text
    assert again.keys == (1, 2)  # another one took its place
    assert set(first.shown) < set(again.shown)  # and what is above may still be quoted


def test_of_a_passage_seen_in_part_only_the_rest_is_shown(ships: Collection) -> None:
    evidence = Evidence()
    seen = Quote(1, "Colin Archer was born in Larvik.")
    run("search", context(ships, evidence, results=1), query="Colin Archer")
    again = run("search", context(ships, evidence, (seen,), results=1), query="Colin Archer")
    assert "Larvik" not in again.text
    assert "His parents were Scots." in again.text
    assert seen in again.shown


def test_when_all_is_seen_nothing_is_spent(ships: Collection) -> None:
    evidence = Evidence()
    first = run(
        "search", context(ships, evidence, results=9), query="Archer Fram Gjøa Larvik ropes"
    )
    again = run("search", context(ships, evidence, first.shown), query="Archer Fram Gjøa")
    assert again.text == "See above: [" + "] [".join(str(key) for key in again.keys) + "]"


def test_nothing_matches(ships: Collection) -> None:
    found = run("search", context(ships, Evidence()), query="zeppelin")
    assert found == ToolResult("Nothing in the library matches: zeppelin")


def test_a_passage_is_read_whole(ships: Collection) -> None:
    evidence = Evidence()
    run("search", context(ships, evidence, results=1), query="Gjøa")
    assert "She has eight ropes." in run("read", context(ships, evidence), passage=1).text
    with pytest.raises(ToolError, match=r"\[7\]"):
        run("read", context(ships, evidence), passage=7)
