"""Taught runs: what the teacher decides, and that the real session would have asked the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dictated import DictatedEngine, KeptWindows
from hypothesis import given
from hypothesis import strategies as st
from lessons import Lesson, Need
from made_up import VARIANTS
from runs_told import Told, exhibit
from schooling import Schooling
from taught_session import TaughtSession, branches
from teach import Task, require_earned
from teacher import Reader, Teacher, Unteachable, lesson_profile

from edge_agent.agent import Agent
from edge_agent.evaluation.conditions import changed
from edge_agent.evaluation.withholding import Withholding
from edge_agent.events import GatheringEnded, RunFinished, TokenCounts
from edge_agent.index import Collection, Library
from edge_agent.models import Sampling, SpanKind
from edge_agent.reading import reply_plan
from edge_agent.turns import NOTHING_HELPS

SEARCH = "<tool_name>search</tool_name>"
BLUE, QUITO = "The song Blue is by Ana Ruiz.", "Ana Ruiz was born in Quito."
NIGHT_FERRY = "Night Ferry: Night Ferry is a 1951 film directed by Ana Ruiz."
ANA_RUIZ = "Ana Ruiz: Her parents left Toledo when she was born."


def queries(lines: list[str]) -> list[str]:
    """Return what was searched for, but for the question."""
    return [line.removeprefix("Missing: ") for line in lines if line.startswith("Missing: ")]


def quotes(lines: list[str]) -> list[str]:
    """Return the sentences that were quoted, without their keys."""
    return [line.rpartition(" [")[0] for line in lines if line.endswith("]") and line[0] != "["
            and ": " in line and not line.startswith("See above")]  # fmt: skip


@pytest.mark.parametrize("question", ["bridge", "steps"])
def test_a_bridge_goes_over_what_was_just_read(schooling: Schooling, question: str) -> None:
    gathering, reading = schooling.taught(question, "single")
    lines = schooling.lines(gathering)
    assert quotes(lines) == [NIGHT_FERRY, ANA_RUIZ]
    assert lines.index(f"{NIGHT_FERRY} [1]") < lines.index(f"Missing: {queries(lines)[0]}")
    assert all("Ana Ruiz" in query or "Night Ferry" in query for query in queries(lines))
    assert "Ana Ruiz" in queries(lines)[-1]
    assert lines[-1] == "I have what I need."
    assert (gathering.kind, reading.kind) == ("gathering", "reading")
    assert schooling.decided(reading) == ["Toledo}"]


def test_what_a_step_asks_for_is_quoted_though_the_question_shares_no_word_with_it(
    schooling: Schooling,
) -> None:
    gathering, reading = schooling.taught("plain", "single")
    lines = schooling.lines(gathering)
    washed = "Iberia: There the Tagus washes Toledo and many other places."
    assert quotes(lines) == [NIGHT_FERRY, ANA_RUIZ, washed]
    assert schooling.decided(reading) == ["Tagus}"]


def test_a_triple_says_what_is_asked_next(schooling: Schooling) -> None:
    gathering, reading = schooling.taught("triples", "single")
    assert any(query.endswith("date birth") for query in queries(schooling.lines(gathering)))
    assert schooling.decided(reading) == ["3 May 1899}"]  # as the passage spells it


def test_two_facts_that_are_shown_together_are_quoted_together(schooling: Schooling) -> None:
    gathering, reading = schooling.taught("comparison", "usual")
    lines = schooling.lines(gathering)
    assert len(quotes(lines)) == 2
    assert lines[-3:] == [*lines[-3:-1], "I have what I need."]
    assert all("(born" in line for line in lines[-3:-1])
    assert queries(lines) == []
    assert schooling.decided(reading) == ["Tom Hale}"]


def test_now_and_then_a_query_finds_nothing_and_a_better_one_follows(schooling: Schooling) -> None:
    runs = [schooling.taught("vain", "single", n)[0] for n in range(8)]
    counts = {len(queries(schooling.lines(run))) for run in runs}
    assert counts == {1, 2}
    found = next(run for run in runs if len(queries(schooling.lines(run))) == 2)
    again = schooling.lines(found)
    first, second = queries(again)
    assert first != second
    learned = schooling.decided(found)
    assert not any(first in part for part in learned)  # nobody should learn to search in vain
    assert any(second in part for part in learned)
    assert again[again.index(f"Missing: {second}") - 1] == "Nothing here helps."
    assert again[-1] == "I have what I need."


def test_a_document_is_read_further(schooling: Schooling) -> None:
    gathering, reading = schooling.taught("further", "pair")
    lines = schooling.lines(gathering)
    assert '{"source": 1, "about": "last home of Mia Falk"}' in schooling.decided(gathering)
    assert "<tool_name>read</tool_name>" in lines
    assert quotes(lines) == ["The Harbour Song: Trieste was her last home."]
    assert schooling.decided(reading) == ["Trieste}"]


@pytest.mark.parametrize("question", ["steps", "foreign"])
def test_what_the_library_does_not_have_is_not_found(schooling: Schooling, question: str) -> None:
    for number in range(3):
        gathering, reading = schooling.taught(question, "withheld", number)
        lines = schooling.lines(gathering)
        # It looks for it honestly, never for the same again.
        assert 1 <= len(set(queries(lines))) == len(queries(lines)) <= 4
        assert len(quotes(lines)) <= 1
        assert lines[-1] == "I have what I need."  # before the agent's patience is over
        assert schooling.decided(reading) == ["not found}"]


def test_a_turn_whose_call_was_refused_is_not_learned(schooling: Schooling) -> None:
    session = TaughtSession(schooling.engine, Reader("Lund"))
    for question in ("Where?", "When?"):
        session.append(SpanKind.QUESTION, question)
        for _ in session.generate(
            reply_plan(question, question, lesson_profile("edge")), Sampling(), 0
        ):
            pass
    session.watch(GatheringEnded(2, "no progress"))
    (example,) = session.examples(schooling.lessons["bridge"], "usual")
    assert schooling.text(example.tokens).count("Lund}") == 2
    assert schooling.decided(example) == ["Lund}"]
    assert example.decided[-1] < len(example.tokens) // 2


def test_that_nothing_helps_is_not_taught_over_the_answer(schooling: Schooling) -> None:
    lesson = schooling.lessons["further"]
    need = replace(lesson.needs[0], sentences=("Nobody wrote this.",), says="")
    told = replace(lesson, answers=("Verse 1",), needs=(need,))
    made, dropped = schooling.school.examples(Task(told, "pair"))
    assert (made, dropped) == ([], "another sentence than the evidence states the answer")


def test_evidence_whose_turn_has_not_come_is_passed_over(schooling: Schooling) -> None:
    """The last step of a chain may be shown before the first has said whom it is about."""
    first, second = (
        Need(f"d{key}", title, (text,), "", "")
        for key, title, text in ((2, "Blue", BLUE), (1, "Ruiz", QUITO))
    )
    lesson = Lesson("s", "q", "Whence comes who made Blue?", ("Quito",), (first, second))
    told = Told(lesson.question)
    teacher = Teacher(lesson, Withholding(Collection([])), lesson_profile("edge"), None)
    teacher.watch(told.trajectory.started)
    told.trajectory = teacher.trajectory
    told.searched("Blue", exhibit(1, "Ruiz", QUITO))
    assert teacher.choose([f"Ruiz: {QUITO} [1]\n", NOTHING_HELPS]) == NOTHING_HELPS


def test_a_run_that_ended_without_progress_is_dropped(schooling: Schooling) -> None:
    session = TaughtSession(schooling.engine, Reader("Toledo"))
    done = RunFinished("r", "answered", "Toledo", (), 1, 1.0, TokenCounts(0, 0, 0), "")
    require_earned(schooling.lessons["bridge"], session, done, withheld=False)
    session.got_on = False
    with pytest.raises(Unteachable, match="without any progress"):
        require_earned(schooling.lessons["bridge"], session, done, withheld=False)


def test_a_run_that_does_not_come_to_the_answer_is_dropped(schooling: Schooling) -> None:
    lesson = replace(schooling.lessons["bridge"], answers=("Seville",))
    made, dropped = schooling.school.examples(Task(lesson, "usual"))
    assert (made, dropped) == ([], "the passages in view did not give the answer")
    made, dropped = schooling.school.examples(Task(lesson, "read"))
    assert (made, dropped) == ([], "the evidence does not state the answer")


# What a real session would hold, and where it would ask


@pytest.mark.parametrize(
    ("question", "variant"),
    [
        *(("bridge", "single"), ("comparison", "usual"), ("triples", "single")),
        *(("steps", "single"), ("further", "pair"), ("foreign", "usual")),
    ],
)
def test_the_real_session_has_the_same_tokens_and_decides_at_the_same_places(
    question: str, variant: str, schooling: Schooling, smollm2: Path
) -> None:
    taught = schooling.taught(question, variant)
    library = Collection([Library(schooling.home / "libraries" / "bench-films")])
    shown = VARIANTS[variant].model_dump(include={"results", "named"}, exclude_none=True)
    profile = changed(lesson_profile("edge"), gathering=shown)
    engine = DictatedEngine(smollm2, taught)
    with engine:
        session = KeptWindows(engine)
        list(Agent(library, session, profile=profile).run(schooling.lessons[question].question))
        session.leave()
    assert session.windows == [example.tokens for example in taught]
    assert engine.asked == [list(example.decided) for example in taught]


_TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=5)


@given(st.lists(_TOKENS, min_size=1, max_size=8), st.data())
def test_branches_are_where_a_walk_through_the_trie_has_a_choice(
    options: list[list[int]], data: st.DataObject
) -> None:
    # An option that begins with another one cannot be chosen: the shorter one ends first.
    ends = [each for each in options if not any(each[: len(o)] == o != each for o in options)]
    chosen = data.draw(st.sampled_from(ends))
    trie: dict[int, dict[int, object]] = {}
    for option in options:
        node = trie
        for token in option:
            node = node.setdefault(token, {})  # type: ignore[assignment]
    node, walked = trie, []
    for depth, token in enumerate(chosen):
        if len(node) > 1:
            walked.append(depth)
        node = node[token]  # type: ignore[assignment]
    assert branches(options, chosen) == walked
