"""What is seen of a run: the fold over its events, its replay, and the pages made of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from scripted_app import Recorded

from edge_agent.events import (
    AttemptFinished,
    AttemptStarted,
    Citation,
    Event,
    EvidenceAdded,
    GatheringEnded,
    Quote,
    RunResumed,
    RunStarted,
    TextAppeared,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnStarted,
)
from edge_agent.tui.gauges_panel import GaugesPanel
from edge_agent.tui.pages import escaped, linked, passage_page, turn_page
from edge_agent.tui.replay import Replay
from edge_agent.tui.run_view import Card, RunView
from edge_agent.tui.signs import ASCII, UNICODE, signs


def view_of(events: tuple[Event, ...]) -> RunView:
    view = RunView()
    for event in events:
        view.apply(event)
    return view


def test_a_recorded_run_is_seen_to_its_end(recorded: Recorded) -> None:
    events, _ = recorded
    view = view_of(events)
    assert view.finished is not None
    assert not view.running
    assert view.gauges.calls == view.finished.calls
    assert view.gauges.context == 4096
    assert view.gauges.seconds == view.finished.seconds
    cited = {citation.key: citation for citation in view.finished.citations}
    for key, citation in cited.items():
        card = view.card(key)
        assert card is not None
        assert card.quote == citation.quote
        assert card.verdict == ("supports" if citation.supported else "cited")


def test_text_that_appears_changes_nothing(recorded: Recorded) -> None:
    events, _ = recorded
    with_text = tuple(each for event in events for each in (event, TextAppeared(1, "x", "sampled")))
    assert view_of(events).gauges == view_of(with_text).gauges


def test_a_run_that_goes_on_is_running_again(recorded: Recorded) -> None:
    events, _ = recorded
    view = view_of((*events, RunResumed(view_of(events).started.run, 9, None, None)))  # type: ignore[union-attr]
    assert view.running
    assert view.gauges.max_calls == 9


def test_what_a_second_vote_quotes_is_quoted_on_its_card() -> None:
    names = ("Fram", "Gjøa")
    quotes = tuple(Quote(key, f"The {name} is a ship.") for key, name in enumerate(names, 1))
    found = tuple(
        EvidenceAdded(1, each.key, f"d{each.key}#1", f"d{each.key}", names[each.key - 1], "/d", "",
                      each.sentence)
        for each in quotes
    )  # fmt: skip

    def attempt(step: int, quoted: int, *added: Event) -> tuple[Event, ...]:
        turn = f"{names[quoted]}: {quotes[quoted].sentence} [{quoted + 1}]\nI have what I need."
        return (
            *(TurnStarted(step), TurnFinished(step, "Missing: ships\n")),
            *(ToolCalled(step, "search", {"query": "ships"}), *added),
            ToolAnswered(step, "search", "Ships.", (1, 2), shown=quotes),
            *(TurnStarted(step + 1), TurnFinished(step + 1, turn)),
            GatheringEnded(step + 1, "enough evidence"),
        )

    started = RunStarted("r", "Which ships?", "m", "l", "edge", 0, 8, attempts=2, vote=True)
    first = (*attempt(1, 0, *found), AttemptFinished(1, "answered", "Fram", (), (), ""))
    view = view_of((started, *first, AttemptStarted(2, ""), *attempt(3, 1)))
    cards = [view.card(1), view.card(2)]
    assert [card and card.verdict for card in cards] == ["quoted", "quoted"]


def test_cards_are_taken_once(recorded: Recorded) -> None:
    events, _ = recorded
    view = view_of(events)
    keys = view.take_changed()
    assert keys == tuple(sorted(keys))
    assert len(keys) == sum(isinstance(event, EvidenceAdded) for event in events)
    assert view.take_changed() == ()
    assert view.card(len(keys) + 1) is None


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=30).map(sorted),
    st.lists(st.floats(0, 5), max_size=60),
)
def test_a_replay_shows_every_event_once_and_in_order(
    times: list[float], waits: list[float]
) -> None:
    events = tuple(TextAppeared(number, "", "sampled") for number in range(len(times)))
    replay = Replay(events, times)
    replay.restart()
    seen: list[Event] = []
    for number, wait in enumerate(waits):
        if number % 7 == 3:
            replay.faster()
        seen += replay.advance(wait) if number % 5 else replay.step()
    seen += replay.rest()
    assert tuple(seen) == events
    assert replay.ended


def test_nobody_waits_long_in_a_replay() -> None:
    events = tuple(TextAppeared(number, "", "sampled") for number in range(2))
    replay = Replay(events, (0.0, 1e7))
    replay.restart()
    replay.advance(5.1)
    assert replay.ended


def test_a_replay_has_bounds_of_speed() -> None:
    replay = Replay((), ())
    for _ in range(20):
        replay.faster()
    assert replay.speed == 64
    for _ in range(20):
        replay.slower()
    assert replay.speed == 1


def plain_text(markdown: str) -> str:
    """Return what a reader of Markdown sees of a paragraph."""
    tokens = MarkdownIt("gfm-like").parse(markdown)
    return "".join(child.content for token in tokens for child in token.children or ())


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=["L", "N", "P", "S"]))
)
def test_markdown_shows_escaped_text_as_it_is(text: str) -> None:
    assert plain_text(f"x{escaped(text)}") == f"x{text}"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "![x](https://example.org/pixel.png)",
        "[x](https://example.org)",
        "https://example.org www.example.org a@example.org",
        "# x\n---\n- y\n1. z\n| a | b |\n|---|---|\n```\ncode",
        "\x1b[31mred\x1b[0m \u202eturned",
    ],
)
def test_no_text_of_a_document_becomes_markup_or_a_link(text: str) -> None:
    tokens = MarkdownIt("gfm-like").parse(f"x {linked(text)}")
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "softbreak"}
    assert "\x1b" not in linked(text)
    assert "\u202e" not in linked(text)


def test_keys_lead_to_their_passages() -> None:
    assert linked("so it is [12].") == "so it is [\\[12\\]](evidence:12)\\."


def test_the_call_at_the_end_of_a_turn_is_not_shown() -> None:
    written = "Missing: x\n<use_mcp_tool>\n<server_name>"
    for length in range(len(written) + 1):
        page = turn_page("Step 1", written[:length])
        assert "use" not in page
        assert "\\<" not in page


@pytest.mark.parametrize(("ascii_only", "expected"), [(True, ASCII), (False, UNICODE)])
def test_signs_are_ascii_where_that_is_asked_for(ascii_only: bool, expected: object) -> None:
    assert signs(ascii_only=ascii_only) is expected
    assert all(character.isascii() for sign in (ASCII.full, ASCII.empty) for character in sign)


def test_a_passage_says_what_became_of_it(recorded: Recorded) -> None:
    events, _ = recorded
    evidence = next(event for event in events if isinstance(event, EvidenceAdded))
    page = passage_page(Card(replace(evidence, title="A *b*"), "quoted", "x"))
    assert "A \\*b\\*" in page
    assert "Quoted by the model" in page


def test_gauges_have_words_beside_their_bars(recorded: Recorded) -> None:
    events, _ = recorded
    lines = GaugesPanel().lines(view_of(events).gauges)
    assert [line.split()[0] for line in lines] == ["window", "calls", "time", "speed"]
    assert "of 4,096" in lines[0]


def test_citations_of_an_attempt_that_is_over_are_forgotten(recorded: Recorded) -> None:
    events, _ = recorded
    view = view_of(events)
    assert view.finished is not None
    view.apply(replace(view.finished, citations=(Citation(1, "t", "s", "p", "q", False),)))
    card = view.card(1)
    assert card is not None
    assert card.verdict == "cited"
    for citation in view.finished.citations:
        other = view.card(citation.key)
        assert other is not None
        assert other.verdict != "supports"
