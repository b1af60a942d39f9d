"""Turns: what may be quoted, how often, and what has to follow."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs_told import Told, exhibit

from edge_agent.events import AttemptStarted, GatheringEnded
from edge_agent.models import Choose, Force, Plan
from edge_agent.profiles import load_profile
from edge_agent.protocol import parse
from edge_agent.reading import reply_plan
from edge_agent.tools import toolbox
from edge_agent.turns import HAVE_ENOUGH, MISSING, NOTHING_HELPS, gathering_turn, has_enough

EDGE = load_profile("edge")
LINES = ("A: One. [1]\n", "B: Two. [2]\n", "C: Three. [3]\n", "D: Four. [4]\n")


def gathering(most: int, leads: Sequence[str] = (), *, last: bool = False) -> Plan:
    led = EDGE.gathering.model_copy(update={"quotes": most})
    tools = () if last else toolbox(EDGE.tools).signatures
    return gathering_turn(LINES, tools, led, lambda _: leads)


def carried(plan: Plan, *decisions: str) -> tuple[str, list[tuple[str, ...]]]:
    """Return what a plan writes where these are the decisions, and all that it let choose from."""
    left, written, offered = list(decisions), "", []
    try:
        step = next(plan)
        while True:
            text = step.text if isinstance(step, Force) else left.pop(0)
            if isinstance(step, Choose):
                text = next(option for option in step.options if text in option)
                offered.append(step.options)
            written += text
            step = plan.send(text)
    except StopIteration:
        assert not left
        return written, offered


def test_several_sentences_are_quoted_in_one_turn_each_once() -> None:
    written, offered = carried(gathering(3), "One", "Three", "Two", HAVE_ENOUGH)
    assert written == f"{LINES[0]}{LINES[2]}{LINES[1]}{HAVE_ENOUGH}"
    assert offered == [
        (*LINES, NOTHING_HELPS),
        (*LINES[1:], MISSING, HAVE_ENOUGH),
        (LINES[1], LINES[3], MISSING, HAVE_ENOUGH),
        (MISSING, HAVE_ENOUGH),
    ]


def test_where_one_may_be_quoted_it_is_one() -> None:
    written, offered = carried(gathering(1), "Two", MISSING, " more\n", "search")
    assert offered[1] == (MISSING, HAVE_ENOUGH)
    call = parse(written).call
    assert call is not None
    assert call.arguments == {"query": "more"}


def test_after_nothing_helps_nothing_is_quoted() -> None:
    _, offered = carried(gathering(3), "Nothing", HAVE_ENOUGH)
    assert offered[1] == (MISSING, HAVE_ENOUGH)
    _, offered = carried(gathering(3, ["Ana Ruiz"]), "Nothing", MISSING, "Ana", " born\n", "search")
    assert offered[1] == (MISSING,)  # there is a name that was not looked up


@pytest.mark.parametrize("end", [MISSING, HAVE_ENOUGH])
@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_last_turn_quotes_and_tells_whether_anything_is_missing(most: int, end: str) -> None:
    decisions = ("Four", "One", "Two")[:most]
    written, offered = carried(gathering(most, last=True), *decisions, end)
    assert written.count("\n") == most
    assert parse(written).call is None
    assert has_enough(written) is (end == HAVE_ENOUGH)
    assert offered == carried(gathering(most), *decisions, HAVE_ENOUGH)[1]


@given(st.integers(1, 6), st.data())
def test_any_choices_lead_to_an_end(most: int, data: st.DataObject) -> None:
    plan = gathering(most, last=True)
    step = next(plan)
    lines: list[str] = []
    while not {MISSING, HAVE_ENOUGH} & set(lines):
        assert isinstance(step, Choose)
        lines.append(data.draw(st.sampled_from(step.options)))
        with suppress(StopIteration):
            step = plan.send(lines[-1])
    assert len(set(lines)) == len(lines) <= most + 1


# What a run keeps of it


def test_all_sentences_that_a_message_begins_with_are_quotes() -> None:
    ship = exhibit(1, "Fram", "The Fram was built by Colin Archer.")
    man = exhibit(2, "Colin Archer", "Colin Archer was born in Larvik.")
    town = exhibit(3, "Larvik", "Larvik is a town.")
    told = Told("Where?").searched("Fram", ship, man, town).trajectory
    first, second, third = told.quotable
    quoted = told.quoted_in(parse(f"{first}{second}{HAVE_ENOUGH}"))
    assert [quote.key for quote in quoted] == [1, 2]
    assert told.quoted_in(parse(f"{NOTHING_HELPS}{HAVE_ENOUGH}")) == ()
    assert told.quoted_in(parse(f"I think.\n{first}")) == ()
    assert [q.key for q in told.quoted_in(parse(f"{third}so\n{first}"))] == [3]
    assert told.quoted_in(parse(first[:-3])) == ()
    older = "Ship: The Fram was built by Colin Archer. [1]\n"  # other words for what it is about
    assert [quote.key for quote in told.quoted_in(parse(f"{older}{second}"))] == [1, 2]


@pytest.mark.parametrize("vote", [False, True])
def test_only_attempts_that_vote_quote_what_another_one_has(vote: bool) -> None:
    ship = exhibit(1, "Fram", "The Fram was built by Colin Archer.")
    man = exhibit(2, "Colin Archer", "Colin Archer was born in Larvik.")
    told = Told("Where?")
    told.trajectory.started = replace(told.trajectory.started, vote=vote)
    told.searched("Fram", ship).quoted(ship, "Archer", man)
    told.trajectory.apply(GatheringEnded(2, "enough"))
    told.trajectory.apply(AttemptStarted(2, ""))
    told.searched("Fram", ship)
    assert [quote.key for quote in told.trajectory.quotable.values()] == ([1] if vote else [])


# How the answer is begun


@pytest.mark.parametrize(
    ("profile", "question", "dates"),
    [
        ("generic", "When was she launched?", True),
        ("generic", "When the bridge was opened, who was king?", False),
        ("generic", "In 1905, when the bridge opened, who was king?", False),
        ("generic", "On which day of the week was she launched?", False),
        ("generic", "When is the bridge closed?", False),
        ("generic", "Who launched her?", False),
        ("edge", "When was she launched?", False),
    ],
)
def test_a_date_is_chosen_where_the_profile_says_so(
    profile: str, question: str, dates: bool
) -> None:
    plan = reply_plan(question, "[1] Fram: launched on 26 October 1892, not 1893.",
                      load_profile(profile))  # fmt: skip
    assert isinstance(next(plan), Force)
    step = plan.send("")
    assert isinstance(step, Choose) == dates
    if isinstance(step, Choose):
        assert step.options == ("26 October 1892}", "1893}", "not found}")
