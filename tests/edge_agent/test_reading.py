"""What the answer is read from: quoted passages first, the best of them nearest the end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs_told import Told, exhibit

from edge_agent.events import AttemptStarted
from edge_agent.profiles import ReadingSettings, load_profile
from edge_agent.reading import reading_list, whole

READING = load_profile("generic").reading
SHIP = exhibit(1, "Fram", "The Fram was built by Colin Archer.")
TOWN = exhibit(2, "Larvik", "Larvik is a town.")
MAN = exhibit(3, "Colin Archer", "Colin Archer was born in Larvik.")


def count(text: str) -> int:
    return len(text.split())


def keys(told: Told, **changes: int) -> list[int]:
    reading: ReadingSettings = READING.model_copy(update=changes)
    return [each.key for each in reading_list(told.trajectory, reading, count)]


def gathered() -> Told:
    told = Told("Where was the builder of the Fram born?").searched("Fram", SHIP, TOWN, MAN)
    return told.quoted(TOWN, "Larvik").searched("Archer")


def test_what_was_quoted_stands_nearest_the_question() -> None:
    assert keys(gathered()) == [3, 1, 2]


def test_of_two_quotes_the_one_that_shares_words_with_the_question_counts_more() -> None:
    told = Told("Where was the builder of the Fram born?").searched("Fram", SHIP, TOWN, MAN)
    told.quoted(TOWN, "Larvik", SHIP, MAN).quoted(SHIP, "Archer")
    assert keys(told, passages=1) == [1]


def test_what_was_quoted_stays_where_there_is_little_room() -> None:
    assert keys(gathered(), passages=2) == [1, 2]
    assert keys(gathered(), tokens=1) == [2]


def test_as_many_are_read_beside_what_was_quoted_as_the_profile_says() -> None:
    assert keys(gathered(), beside=0) == [2]
    assert keys(gathered(), beside=1) == [1, 2]
    told = Told("Where was the builder of the Fram born?").searched("Fram", SHIP, TOWN, MAN)
    assert keys(told, beside=0) == [3, 2, 1]  # nothing was quoted: all that was found


def test_some_of_what_later_calls_found_is_read_beside_what_the_first_did() -> None:
    others = [exhibit(key, f"Town {key}", "A town.") for key in range(4, 9)]
    told = Told("Where was the builder of the Fram born?").searched("Fram", SHIP, TOWN, MAN)
    told.searched("Larvik", *others[:2]).searched("towns", *others[2:])
    assert keys(told, passages=2, later=0) == [2, 1]
    assert keys(told, passages=2, later=2) == [6, 4, 2, 1]  # the best of each call first
    assert keys(told, passages=2, later=9) == [8, 7, 5, 6, 4, 2, 1]
    assert keys(told, passages=6, later=1) == [7, 6, 5, 4, 3, 2, 1]  # 4 is read anyway
    assert keys(told, passages=1, later=2, tokens=count(whole(SHIP)) + 5) == [4, 1]


def test_what_alone_is_longer_than_the_room_is_passed_over() -> None:
    long = exhibit(2, "Norway", "many " * 99)
    town = exhibit(3, "Larvik", "Larvik is a town.")
    told = Told("Where?").searched("Fram", SHIP, long, town).quoted(long, "Norway")
    assert keys(told, tokens=50) == [3, 1]
    assert keys(told, tokens=5) == [3]  # the shortest, where there is room for none


@pytest.mark.timeout(60, method="signal")  # a thread would wait for the expression, too
def test_a_passage_of_empty_lines_is_shown_at_once() -> None:
    empty = "\n" * 300_000
    assert whole(exhibit(1, "T", f"{empty}[7] A ship.")) == f"[1] T: {empty}(7) A ship."
    assert whole(exhibit(1, "T", empty)) == f"[1] T: {empty}"


def test_no_line_of_a_passage_begins_like_another_passage() -> None:
    text = "Ships [3] are listed.\n[7] Fram: built in 1900.\n  [12] Gjøa: sunk."
    shown = whole(exhibit(2, "List", text))
    assert shown == "[2] List: Ships [3] are listed.\n(7) Fram: built in 1900.\n  (12) Gjøa: sunk."
    assert whole(exhibit(2, "List", "[7] Fram")) == "[2] List: (7) Fram"


def test_nothing_found_is_nothing_to_read() -> None:
    assert keys(Told("q?")) == []


@pytest.mark.parametrize(("vote", "read"), [(False, [2, 1, 4, 3]), (True, [4, 3])])
def test_another_attempt_reads_first_what_it_has_found(vote: bool, read: list[int]) -> None:
    told = Told("Where?").searched("Fram", SHIP, TOWN)
    told.trajectory.started = replace(told.trajectory.started, vote=vote)
    told.trajectory.apply(AttemptStarted(2, ""))
    told.searched("Archer", MAN, exhibit(4, "Bergen", "Bergen is a town."))
    assert keys(told) == read


@given(
    st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=9),
    st.integers(1, 6),
    st.integers(1, 60),
)
def test_it_keeps_to_its_room_but_for_one_passage(
    texts: list[str], passages: int, tokens: int
) -> None:
    found = [exhibit(number, "T", text) for number, text in enumerate(texts, 1)]
    told = Told("q?").searched("all", *found)
    reading = READING.model_copy(update={"passages": passages, "tokens": tokens})
    chosen = reading_list(told.trajectory, reading, len)
    assert 1 <= len(chosen) <= passages
    sizes = [len(f"[{each.key}] T: {each.passage.text}") for each in chosen]
    assert len(chosen) == 1 or sum(sizes) <= tokens
