"""Questions answered under each condition by a scripted model, and handed out to be answered."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from itertools import chain
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest
from evaluated import SETTINGS, row, run
from scripted_server import Refusal, ScriptedServer
from scripted_session import ScriptedSession
from serving import running

from edge_agent.errors import EvaluationError
from edge_agent.evaluation.conditions import (
    CONDITIONS,
    Terms,
    changed,
    condition_of,
    single_shot,
    unguarded,
)
from edge_agent.evaluation.curve import point
from edge_agent.evaluation.cutting import cut
from edge_agent.evaluation.drivers import (
    Result,
    Results,
    Task,
    carried_out,
    in_processes,
    in_this_process,
)
from edge_agent.evaluation.evaluating import Planned, Work, evaluate
from edge_agent.evaluation.figures import figures
from edge_agent.evaluation.judge import Judge
from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.respondent import (
    Answered,
    Equipment,
    Respondent,
    check_failed,
)
from edge_agent.evaluation.rewriting import (
    KEPT_RESULTS,
    OMITTED,
    RewritingSession,
    nothing_rewritten,
)
from edge_agent.evaluation.rows import Row, scored
from edge_agent.evaluation.settings import under
from edge_agent.evaluation.store import EvaluationStore
from edge_agent.evaluation.taking_over import Allowance, same_with
from edge_agent.evaluation.withholding import Withholding, require_evidence
from edge_agent.events import (
    AttemptStarted,
    Citation,
    Event,
    EvidenceAdded,
    GatheringEnded,
    Nudged,
    Quote,
    ReadingStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    SpanCut,
    StepMeasured,
    TextAppeared,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
)
from edge_agent.home import Home
from edge_agent.index import Collection, Library
from edge_agent.models import (
    EngineSettings,
    InstalledModel,
    InvalidModelFile,
    Plan,
    RemoteModel,
    Sample,
    Sampling,
    ServerError,
    SpanKind,
)
from edge_agent.profiles import Profile, load_profile
from edge_agent.protocol import ToolCall, render_call
from edge_agent.reasons import CALL_LIMIT, ENOUGH, MODEL_ERROR, NO_PROGRESS
from edge_agent.runtime import Resources
from edge_agent.traces import FORMATS, export
from edge_agent.turns import without_call

BORN = Question(
    "q1", "Where was the designer of the Fram born?", ("Larvik",), frozenset({"fram.md"})
)
SEARCHED = ["designed by Colin Archer", "Missing:", " birthplace\n", ">search<"]
FOUND = ["born in Larvik", "I have what I need."]
MISSING_FILM = "Missing: Missing is a film. [1]\n"


@pytest.fixture
def ships(ready_ships: Path) -> Iterator[Collection]:
    with closing(Library(ready_ships)) as library:
        yield Collection([library])


UNLED = changed(load_profile("edge"), gathering={"leads": "never"})


def answering(ships: Collection, *script: str, profile: Profile | str = "generic") -> Respondent:
    led = load_profile(profile) if isinstance(profile, str) else profile
    resources = Resources(ScriptedSession(script=[*script]), ships, led)
    return Respondent(resources, "scripted")


def documents(events: tuple[Event, ...]) -> set[str]:
    return {Path(event.document).name for event in events if isinstance(event, EvidenceAdded)}


def test_the_agent_as_it_is(ships: Collection) -> None:
    answered = answering(ships, *SEARCHED, *FOUND, "Larvik}").answer(BORN, Terms("agent"))
    row = answered.row
    assert (row.answer, row.em, row.f1, row.calls, row.status) == (
        "Larvik",
        True,
        1.0,
        2,
        "answered",
    )
    assert row.peak > 0
    assert not any(isinstance(event, TextAppeared) for event in answered.events)
    assert {"fram.md", "archer.md"} <= documents(answered.events)


def test_a_single_shot_searches_once_for_the_question(ships: Collection) -> None:
    answered = answering(ships, "Larvik}").answer(BORN, Terms("single-shot"))
    calls = [event for event in answered.events if isinstance(event, ToolCalled)]
    assert [call.arguments for call in calls] == [{"query": BORN.text}]
    (reading,) = [event for event in answered.events if isinstance(event, ReadingStarted)]
    assert 1 <= len(reading.keys) <= 5
    assert answered.row.answer == "Larvik"


def test_a_single_shot_is_one_for_a_model_that_chooses_its_tools_too() -> None:
    led = single_shot(load_profile("mirothinker"))
    assert led.gathering.search_first
    assert led.gathering.calls == 1
    assert "search" in led.tools
    assert led.reading.at_end


@pytest.mark.parametrize(
    ("line", "answer", "status"),
    [("Larvik}", "Larvik", "answered"), ("not found}", None, "not_found")],
)
def test_a_closed_book_is_not_opened(
    ships: Collection, line: str, answer: str | None, status: str
) -> None:
    answered = answering(ships, line).answer(BORN, Terms("closed-book"))
    assert (answered.row.answer, answered.row.status, answered.row.calls) == (answer, status, 0)
    assert documents(answered.events) == set()
    assert answered.row.evidence_recall == 0.0
    assert isinstance(answered.events[0], RunStarted)
    for form in FORMATS:
        assert isinstance(export(form, answered.events), str)


BY_TITLE = replace(BORN, gold=frozenset({"Fram", "Colin Archer"}), gold_by="title")


def test_what_is_withheld_is_neither_found_nor_read(ships: Collection) -> None:
    reading = ["Missing:", " him\n", ">read<", '{"source": "Colin Archer"}']
    script = ["Nothing", *reading, "Nothing", "I have what I need.", "not found}"]
    answered = answering(ships, *script, profile=UNLED).answer(BY_TITLE, Terms("withheld"))
    assert documents(answered.events) == {"gjoa.md"}
    (failed,) = [e for e in answered.events if isinstance(e, ToolAnswered) and e.failed]
    assert "no document 'Colin Archer'" in failed.text
    row = answered.row
    assert (row.status, row.answer, row.abstained, row.em) == ("not_found", None, True, True)
    assert (row.answers, row.gold, row.evidence_recall) == ((), 0, None)


def test_what_is_withheld_is_not_called_by_its_name_either(ships: Collection) -> None:
    shown = Withholding(ships, {"Colin Archer"})
    assert [found for _, found in ships.named("Colin Archer")] == ["archer.md"]
    assert shown.named("Colin Archer") == ()
    assert shown.named("Fram") == ships.named("Fram") != ()


def test_what_is_withheld_is_not_there_at_its_address_either(ships: Collection) -> None:
    shown = Withholding(ships, {"Colin Archer"})
    (library,) = ships.libraries
    there, hidden = (library.name, "fram.md"), (library.name, "archer.md")
    assert ships.document(*hidden) != ()
    assert shown.document(*hidden) == shown.passages_about(*hidden, "Archer", 3) == ()
    assert shown.document(*there) == ships.document(*there) != ()


def test_an_answer_without_the_evidence_is_wrong(ships: Collection) -> None:
    script = ["Gjøa was built", "I have what I need.", "Rosendal}"]
    asked = replace(BY_TITLE, text="Where was the designer of the Gjøa and the Fram born?")
    row = answering(ships, *script, profile=UNLED).answer(asked, Terms("withheld")).row
    assert (row.answer, row.abstained, row.em, row.f1) == ("Rosendal", False, False, 0.0)


def test_evidence_that_nobody_knows_or_has_cannot_be_withheld(ships: Collection) -> None:
    unanswerable = replace(BORN, id="q0", answers=(), gold=frozenset())
    assert require_evidence([unanswerable, BORN, BY_TITLE], ships) == ()
    untold = [replace(BORN, id=name, gold=frozenset()) for name in ("q2", "q3")]
    with pytest.raises(EvaluationError, match="answer the question 'q2' and 1 more, so that"):
        require_evidence([unanswerable, BORN, *untold], ships)
    elsewhere = replace(BORN, id="q4", gold=frozenset({"maud.md"}))
    with pytest.raises(EvaluationError, match="evidence for the question 'q4', so that none"):
        require_evidence([BORN, elsewhere], ships)
    partly = replace(BORN, id="q5", gold=frozenset({"fram.md", "maud.md"}))
    assert require_evidence([BORN, partly], ships) == ("q5",)


def test_of_a_question_without_an_answer_nothing_is_withheld(ships: Collection) -> None:
    asked = replace(BORN, answers=(), gold=frozenset())
    row = answering(ships, *SEARCHED, *FOUND, "not found}").answer(asked, Terms("withheld")).row
    assert (row.abstained, row.em, row.calls) == (True, True, 2)


def test_every_document_of_that_name_is_withheld(ready_ships: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copies"
    shutil.copytree(ready_ships, copy)
    with closing(Library(ready_ships)) as one, closing(Library(copy)) as other:
        both = Collection([one, other])
        assert len(both.documents("Colin Archer")) == 2
        for name in ("Colin Archer", "archer.md"):
            shown = Withholding(both, {name})
            found = shown.search("Colin Archer born in Larvik", 9)
            assert found
            assert all(hit.passage.title != "Colin Archer" for _, hit in found)


def test_a_model_that_fails_is_told_of_in_the_row(ships: Collection) -> None:
    resources = Resources(ScriptedSession(context=3), ships, load_profile("generic"))
    for name in CONDITIONS:
        for asked in (BORN, replace(BORN, answers=())):
            row = Respondent(resources).answer(asked, Terms(name)).row
            assert (row.status, row.answer) == ("failed", None)
            assert not row.abstained
            assert (row.em, row.f1) == (False, 0.0)  # nobody said “not found”


def test_rewriting_keeps_the_last_results_and_decodes_the_rest_again() -> None:
    inner = ScriptedSession(script=["one", "two"])
    session = RewritingSession(inner, kept=2)
    session.append(SpanKind.SYSTEM, "system", trusted=True)
    session.append(SpanKind.QUESTION, "question")

    def turn() -> Plan:
        yield Sample(8)

    for number in range(4):
        if number < 2:
            list(session.generate(turn(), Sampling(), 0))
        session.append(SpanKind.RESULT, f"result {number}")
    texts = [span.text for span in session.spans]
    assert texts == ["system", "question", "one", OMITTED, "two", OMITTED, "result 2", "result 3"]
    session.cut(session.spans[3])
    assert [span.text for span in session.spans][2:5] == ["one", "two", OMITTED]
    assert inner.seen.count("system") == 1
    assert inner.seen.count("result 2") >= 2


def test_the_loop_with_rewriting_answers_as_well(ships: Collection) -> None:
    answered = answering(ships, *SEARCHED, *FOUND, "Larvik}").answer(BORN, Terms("rewrite"))
    assert (answered.row.answer, answered.row.calls) == ("Larvik", 2)
    assert condition_of("rewrite").led(load_profile("generic")).guarding.guards == ()


def test_terms_that_a_condition_leaves_no_choice_of_are_dropped() -> None:
    assert Terms("single-shot", 8, 3, 7).settled() == Terms("single-shot", None, 1, 7)
    assert Terms("agent", 8, 3, 7).settled() == Terms("agent", 8, 3, 7)
    with pytest.raises(EvaluationError, match="There is no condition 'oracle'"):
        Terms("oracle").settled()


# Scores of runs


def cited(*keys: int) -> tuple[Citation, ...]:
    return tuple(Citation(key, "", "/d", "", "", True) for key in keys)


def test_evidence_and_citations_are_matched_by_document() -> None:
    question = Question("q", "Who?", ("Larvik",), frozenset({"fram", "archer"}), hops=2)
    row = scored(question, run(citations=cited(1, 2)))
    assert row.evidence_recall == 0.5
    assert (row.cited, row.cited_gold, row.citation_recall) == (2, 1, 0.5)
    assert (row.type, row.gold, row.peak) == ("2 hops", 2, 1000)


def test_evidence_is_matched_by_title_where_there_are_no_ids() -> None:
    question = Question("q", "Who?", ("Larvik",), frozenset({"FRAM", "Gjoa"}), gold_by="title")
    row = scored(question, run(citations=cited(2)))
    assert (row.evidence_recall, row.cited_gold, row.citation_recall) == (1.0, 1, 0.5)


@pytest.mark.parametrize(
    ("named", "stored"),
    [
        ("The  Fram\n(ship)", "The Fram (ship)"),
        ("Gj\u00f8a of A\u030angstr\u00f6m", "Gj\u00f8a of \u00c5ngstro\u0308m"),
        ("F" * 300, f"{'F' * 199}…"),
    ],
)
def test_a_title_counts_as_the_index_has_it(named: str, stored: str) -> None:
    question = Question("q", "Who?", ("Larvik",), frozenset({named}), gold_by="title")
    found = EvidenceAdded(1, 1, "d#1", "d", stored, "/d", "", "")
    row = scored(question, (*run()[:1], found, run(citations=cited(1))[-1]))
    assert (row.evidence_recall, row.cited_gold, row.citation_recall) == (1.0, 1, 1.0)


def test_nothing_is_said_of_evidence_that_is_not_known() -> None:
    row = scored(Question("q", "Who?", ()), run(answer=None, status="not_found"))
    assert (row.evidence_recall, row.citation_recall) == (None, None)
    assert (row.em, row.f1, row.abstained) == (True, 1.0, True)


# Servers that fail


def test_what_a_failing_server_left_is_no_answer(equipment: Equipment) -> None:
    def require_whole(model: InstalledModel | RemoteModel, events: tuple[Event, ...]) -> None:
        answered = Answered(scored(BORN, events), events)
        check_failed(answered, replace(equipment, model=model))

    served = RemoteModel("http://127.0.0.1:9/v1", None)
    require_whole(served, run((2,)))
    for broken in (run((1,), f"{MODEL_ERROR}: 503", status="partial"), run((1,), status="failed")):
        require_whole(equipment.model, broken)  # the next question may fit into the window
        with pytest.raises(EvaluationError, match="'q1' could not be answered"):
            require_whole(served, broken)


JUDGED = Terms("single-shot")


@pytest.mark.parametrize("questions", [1, 2])
def test_an_answer_is_kept_whose_judge_fails_and_no_other_is_worked_on(
    ships: Collection, equipment: Equipment, monkeypatch: pytest.MonkeyPatch, questions: int
) -> None:
    resources = Resources(ScriptedSession(script=["Larvik}"]), ships, load_profile("generic"))
    tasks = [Task("e", number, BORN, JUDGED) for number in range(questions)]
    with running(ScriptedServer()) as server:
        server.refuse = lambda body: Refusal(500, "out of order")
        with closing(Judge(RemoteModel(server.address, "judge"), "equivalence")) as judge:
            answers = Respondent(resources, judge=judge)
            lent = "edge_agent.evaluation.drivers.respondent"
            monkeypatch.setattr(lent, lambda _: nullcontext(answers))
            results = in_this_process(equipment, iter(tasks))
            row = next(results).answered.row
            assert (row.answer, row.em, row.judged) == ("Larvik", True, None)
            found = figures([row], judge=judge.address)
            assert (row.verdict, found.unclear, found.unjudged) == ("", 0, 1)
            assert "out of order" in row.judge_failed
            with pytest.raises(ServerError, match="out of order"):
                next(results)


def test_a_judge_that_is_busy_is_asked_again(ships: Collection) -> None:
    resources = Resources(ScriptedSession(script=["Larvik}"]), ships, load_profile("generic"))
    refusals = [Refusal(429, "slow down"), Refusal(503, "slow down")]
    with running(ScriptedServer()) as server:
        server.refuse = lambda body: refusals.pop() if refusals else None
        server.answer = lambda body: "Correct"
        with closing(Judge(RemoteModel(server.address, "judge"), "equivalence")) as judge:
            row = Respondent(resources, judge=judge).answer(BORN, JUDGED).row
    assert (row.judged, row.verdict) == (True, "Correct")


# Runs that are the same with other calls allowed


@pytest.mark.parametrize(
    ("events", "allowed", "wanted", "same"),
    [
        (run((3,)), 4, 8, True),  # it ended before the limit
        (run((4,)), 4, 8, True),  # it had enough when the limit came
        (run((4,), CALL_LIMIT), 4, 8, False),  # the limit played a role
        (run((1, 4), CALL_LIMIT), 4, 8, False),  # in the second attempt
        (run((5,)), 8, 4, False),
        (run((2, 3)), 4, 8, True),
        (run((3,), NO_PROGRESS), 4, 8, True),  # patience is 2 with either
        (run((3,), NO_PROGRESS), 4, 40, False),  # with 40 calls it is 4
        (run((3,)), 4, 40, True),  # but only no progress depends on it
        (run((3,), status="failed"), 4, 8, False),
        (run((3,)), 8, 4, True),  # it would have ended before that limit, too
        (run((4,)), 8, 4, True),
        (run((4,), NO_PROGRESS), 8, 4, False),  # at the limit it would not have called once more
        (run((3,), NO_PROGRESS), 8, 4, True),
        (run((3,)), 40, 4, False),  # less patience might have ended it sooner
        (run((4,), CALL_LIMIT), 4, 4, True),
        (run((4,), status="failed"), 4, 4, False),
    ],
)
def test_a_run_is_taken_over_only_where_it_is_sure_to_be_the_same(
    events: tuple[Event, ...], allowed: int, wanted: int, same: bool
) -> None:
    assert same_with(events, Allowance(allowed), Allowance(wanted), load_profile("generic")) is same


def test_where_nobody_is_asked_at_the_limit_it_always_plays_a_role() -> None:
    free = load_profile("mirothinker")
    assert not same_with(run((4,)), Allowance(8), Allowance(4), free)
    assert same_with(run((3,)), Allowance(8), Allowance(4), free)


@pytest.mark.parametrize(
    ("events", "there", "here", "same"),
    [
        (run((1,)), 1, 3, True),
        (run((1, 1)), 3, 2, True),
        (run((1, 1)), 3, 1, False),  # the first of them found nothing
        (run((1,), answer=None, status="not_found"), 1, 2, False),
        (run((1, 1), answer=None, status="not_found"), 2, 2, True),
    ],
)
def test_attempts_play_a_role_where_one_found_no_answer(
    events: tuple[Event, ...], there: int, here: int, same: bool
) -> None:
    allowances = Allowance(4, there), Allowance(4, here)
    assert same_with(events, *allowances, load_profile("generic")) is same


def test_the_same_run_really_comes_of_more_calls(ships: Collection) -> None:
    def happened(calls: int) -> list[Event]:
        answers = answering(ships, *SEARCHED, *FOUND, "Larvik}")
        events = answers.answer(BORN, Terms("agent", calls)).events
        return [e for e in events if isinstance(e, ToolCalled | TurnStarted | EvidenceAdded)]

    assert happened(4) == happened(8)


# Runs that are the same under another condition


def with_results(*attempts: int) -> tuple[Event, ...]:
    """Return a run whose attempts got so many results each."""
    events: list[Event] = []
    for number, results in enumerate(attempts, start=1):
        if number > 1:
            events.append(AttemptStarted(number, "nothing was found"))
        events += [ToolAnswered(step, "search", "[1] Fram", (1,)) for step in range(results)]
    return tuple(events)


@pytest.mark.parametrize(
    ("events", "same"),
    [
        (with_results(KEPT_RESULTS), True),
        (with_results(KEPT_RESULTS + 1), False),  # the first of them would be overwritten
        (with_results(KEPT_RESULTS, KEPT_RESULTS), True),  # each in a window of its own
        (with_results(1, KEPT_RESULTS + 1), False),
        (run((3,), CALL_LIMIT), True),
        (run((3,), NO_PROGRESS), False),
        ((TurnRolledBack(1, "duplicate call", "Again"),), False),
        ((Nudged(1, "duplicate result", "Nothing new"),), False),
        ((SpanCut(1, "result", 300, 2),), False),
    ],
)
def test_where_nothing_would_be_rewritten(events: tuple[Event, ...], same: bool) -> None:
    assert nothing_rewritten(events) is same


def told_of(events: Sequence[Event]) -> list[Event]:
    """Return what is the same in two runs that are: not the clock, the memory and the name."""
    known = [event for event in events if not isinstance(event, StepMeasured)]
    first, last = known[0], known[-1]
    assert isinstance(first, RunStarted)
    assert isinstance(last, RunFinished)
    return [replace(first, run=""), *known[1:-1], replace(last, run="", seconds=0.0)]


def test_such_a_run_really_is_the_same(ships: Collection) -> None:
    def happened(condition: str) -> tuple[Event, ...]:
        answers = answering(ships, *SEARCHED, *FOUND, "Larvik}")
        return answers.answer(BORN, Terms(condition, 8)).events

    assert nothing_rewritten(happened("agent"))
    assert told_of(happened("agent")) == told_of(happened("rewrite"))


def test_a_point_of_the_curve_tells_what_the_limit_did() -> None:
    rows = [
        row("a", reason=CALL_LIMIT, cut_from="e"),
        row("b", taken_from="e"),
        row("c", taken_from="e", cut_from="f"),
        row("d"),
    ]
    found = point(4, rows)
    assert (found.max_calls, found.n, found.stopped) == (4, 4, 25.0)
    assert (found.taken_over, found.cut) == (2, 1)


# Runs that begin the same with more calls allowed


def run_of(
    ships: Collection, calls: int, *script: str, profile: Profile | str = "generic"
) -> Answered:
    return answering(ships, *script, profile=profile).answer(BORN, Terms("agent", calls))


def told(events: Sequence[Event]) -> list[Event]:
    """Return what happened without what differs between runs that are the same."""
    left_out = (RunStarted, RunResumed, RunFinished, StepMeasured)
    return [event for event in events if not isinstance(event, left_out)]


@pytest.mark.parametrize(
    ("calls", "script"),
    [
        (1, [SEARCHED[0], "Missing:", "Archer}"]),  # it would have gone on
        (2, [*SEARCHED, *FOUND, "Larvik}"]),  # it had enough just then
    ],
)
def test_a_run_that_is_cut_is_the_one_that_fewer_calls_give(
    ships: Collection, calls: int, script: list[str]
) -> None:
    profile = load_profile("generic")
    deep = run_of(ships, 8, *SEARCHED, *FOUND, "Larvik}")
    begun = cut(deep.events, Allowance(8), Allowance(calls), profile)
    assert begun is not None
    answers = answering(ships, script[-1])
    task = Task("fewer", 0, BORN, Terms("agent", calls), begun, "deep")
    found, anew = carried_out(task, answers), run_of(ships, calls, *script)
    assert told(found.events) == told(anew.events)
    cut_from = replace(anew.row, cut_from="deep")
    assert replace(found.row, **vague(cut_from)) == cut_from
    assert found.row.run != deep.row.run


def test_who_had_enough_only_after_a_turn_was_taken_back_would_have_been_cut_off(
    ships: Collection,
) -> None:
    asked_again = ("Missing:", f" {BORN.text}\n", ">search<")
    script = [SEARCHED[0], *asked_again, *FOUND, "Larvik}"]
    deep = run_of(ships, 8, *script, profile=UNLED)
    assert (deep.row.calls, deep.row.reason) == (1, ENOUGH)
    assert not same_with(deep.events, Allowance(8), Allowance(1), UNLED)
    assert same_with(deep.events, Allowance(8), Allowance(2), UNLED)
    begun = cut(deep.events, Allowance(8), Allowance(1), UNLED)
    found = answering(ships, "Archer}", profile=UNLED).answer(BORN, Terms("agent", 1), begun)
    anew = run_of(ships, 1, SEARCHED[0], "Missing:", "Archer}", profile=UNLED)
    assert told(found.events) == told(anew.events)


def vague(row: Row) -> dict[str, Any]:
    """Return what two runs that are the same differ in."""
    return {name: getattr(row, name) for name in ("run", "seconds", "tokens", "peak")}


def test_what_was_read_from_the_same_passages_is_not_read_again(ships: Collection) -> None:
    useless = [("Missing:", f" {query}\n", ">search<") for query in ("keels", "masts")]
    script = [*SEARCHED, *chain(*useless), "Archer}"]  # they find nothing
    deep = run_of(ships, 8, *script, profile=UNLED)
    assert (deep.row.reason, deep.row.calls) == (NO_PROGRESS, 3)
    begun = cut(deep.events, Allowance(8), Allowance(1), UNLED)
    assert begun is not None
    answers = answering(ships, profile=UNLED)  # a model that has nothing to say
    found = answers.answer(BORN, Terms("agent", 1), begun)
    anew = run_of(ships, 1, SEARCHED[0], "Missing:", "Archer}", profile=UNLED)
    assert told(found.events) == told(anew.events)
    assert replace(found.row, **vague(anew.row)) == anew.row


def test_a_model_that_writes_as_it_likes_is_cut_after_its_last_result(ships: Collection) -> None:
    free = load_profile("mirothinker")
    calls = [render_call(ToolCall("library", "search", {"query": q})) for q in ("Fram", "Archer")]
    script = [*calls, "\\boxed{Larvik}"]
    deep = run_of(ships, 8, *script, profile="mirothinker").events
    # The answer is asked for in the window.
    assert cut(deep, Allowance(8), Allowance(1), free) is None
    begun = cut(deep, Allowance(8), Allowance(1), changed(free, reading={"at_end": True}))
    assert begun is not None
    *_, cost, end = begun.gathered
    assert isinstance(cost, StepMeasured)
    assert end == GatheringEnded(1, CALL_LIMIT)
    assert sum(isinstance(event, ToolCalled) for event in begun.gathered) == 1


def test_an_answer_that_is_drawn_by_chance_is_read_anew(ships: Collection) -> None:
    deep = run_of(ships, 8, *SEARCHED, *FOUND, "Larvik}").events
    generic = load_profile("generic")
    sampling = replace(generic.sampling, temperature=0.7)
    drawn = generic.model_copy(update={"sampling": sampling})
    begun = cut(deep, Allowance(8), Allowance(1), drawn)
    assert begun is not None
    assert begun.read == ()


def test_where_no_guard_asks_for_progress_limits_are_alike(ships: Collection) -> None:
    deep = run_of(ships, 40, *SEARCHED, *FOUND, "Larvik}").events
    for profile, known in (
        (load_profile("generic"), False),
        (unguarded(load_profile("generic")), True),
    ):
        assert (cut(deep, Allowance(40), Allowance(1), profile) is not None) is known
        assert same_with(deep, Allowance(40), Allowance(4), profile) is known


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (Allowance(8), Allowance(3)),  # two calls were made
        (Allowance(8, 2), Allowance(1)),
        (Allowance(8), Allowance(1, 2)),
        (Allowance(40), Allowance(1)),  # less patience might have ended it sooner
        (Allowance(1), Allowance(2)),
    ],
)
def test_what_is_not_sure_is_not_cut(ships: Collection, there: Allowance, here: Allowance) -> None:
    deep = run_of(ships, 8, *SEARCHED, *FOUND, "Larvik}").events
    assert cut(deep, there, here, load_profile("generic")) is None


def test_a_turn_that_was_never_finished_is_not_cut(ships: Collection) -> None:
    deep = run_of(ships, 8, *SEARCHED, *FOUND, "Larvik}").events
    finished = [n for n, event in enumerate(deep) if isinstance(event, TurnFinished)]
    stopped = TurnRolledBack(2, "time limit")
    broken = [*deep[: finished[1]], stopped, GatheringEnded(2, "time limit")]
    for events in (broken, broken[: finished[1]]):
        assert cut(events, Allowance(8), Allowance(1), load_profile("generic")) is None


@pytest.mark.parametrize(
    ("turn", "cut_off"),
    [
        (f"{MISSING_FILM}Missing: director\n<use", f"{MISSING_FILM}Missing:"),
        ("Nothing here helps.\nMissing: x\n", "Nothing here helps.\nMissing:"),
        ("Fram: A ship. [2]\nI have what I need.", "Fram: A ship. [2]\nI have what I need."),
        ("Fram: A ship. [2]\nNow use a tool:\n<use", "Fram: A ship. [2]\nNow use a tool:\n"),
        ("Fram: A ship. [2]\n", "Fram: A ship. [2]\n"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_turn_ends_where_it_would_call(turn: str, cut_off: str) -> None:
    quotable = {
        MISSING_FILM.strip(): Quote(1, "Missing is a film."),
        "Fram: A ship. [2]": Quote(2, "A ship."),
    }
    assert without_call(turn, quotable.get) == cut_off


# Handing out


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EvaluationStore]:
    with closing(EvaluationStore(tmp_path / "evaluations.db")) as store:
        yield store


@pytest.fixture
def equipment(tmp_path: Path) -> Equipment:
    model = InstalledModel("tiny", tmp_path / "tiny.gguf", 1, None, "", "generic", None)
    return Equipment(Home(tmp_path), model, EngineSettings(), (), load_profile("generic"))


def telling(told: list[str], *runs: tuple[Event, ...]) -> Callable[..., Results]:
    """Return a driver that answers with these runs in turn, and with the last of them for good."""
    left = list(runs)

    def drive(_equipment: Equipment, tasks: Iterator[Task]) -> Results:
        for task in tasks:
            told.append(f"{task.evaluation} {task.question.id}")
            events = left.pop(0) if len(left) > 1 else left[0]
            yield Result(task, Answered(scored(task.question, events), events))

    return drive


def work(equipment: Equipment, *calls: int | None, questions: int = 3) -> Work:
    return Work(
        tuple(Planned(f"e{each}", replace(SETTINGS, max_calls=each)) for each in calls),
        tuple(Question(str(number), "Who?", ("Larvik",)) for number in range(questions)),
        equipment,
    )


def test_only_what_is_not_answered_yet_is_asked(
    store: EvaluationStore, equipment: Equipment
) -> None:
    told: list[str] = []
    reported: list[str] = []

    def broken(_equipment: Equipment, tasks: Iterator[Task]) -> Results:
        drive = telling(told, run())(equipment, tasks)
        yield next(drive)
        raise KeyboardInterrupt

    def report(_name: str, each: Any) -> None:
        reported.append(each.id)

    with pytest.raises(KeyboardInterrupt):
        evaluate(store, work(equipment, None), broken, report)
    assert len(store.rows("eNone")) == 1
    assert store.lines_file("eNone").read_text().count("\n") == 1
    evaluate(store, work(equipment, None), telling(told, run()), report)
    evaluate(store, work(equipment, None, questions=4), telling(told, run()), report)
    assert told == ["eNone 0", "eNone 1", "eNone 2", "eNone 3"]
    assert reported == ["0", "1", "2", "3"]
    assert store.lines_file("eNone").read_text().count("\n") == 4


def test_more_calls_take_over_what_would_be_the_same(
    store: EvaluationStore, equipment: Equipment
) -> None:
    told: list[str] = []
    runs = (run((1,)), run((2,), CALL_LIMIT), run((1,), status="failed"), run((3,)))
    drive = telling(told, *runs)
    for calls in (2, 4, 8):
        evaluate(store, work(equipment, calls), drive, lambda *_: None)
    assert told == ["e2 0", "e2 1", "e2 2", "e4 1", "e4 2"]
    assert [each.taken_from for each in store.rows("e4")] == ["e2", "", ""]
    assert [each.taken_from for each in store.rows("e8")] == ["e2", "e4", "e4"]
    assert store.events("e8", "1") == run((3,))


def test_fewer_calls_take_over_too_and_the_usual_number_is_one_of_them(
    store: EvaluationStore, equipment: Equipment
) -> None:
    told: list[str] = []
    usual = load_profile("generic").gathering.calls
    runs = (run((1,)), run((usual,), CALL_LIMIT), run((usual - 1,)))
    evaluate(store, work(equipment, None), telling(told, *runs), lambda *_: None)
    evaluate(store, work(equipment, usual - 1), telling(told, run((1,))), lambda *_: None)
    evaluate(store, work(equipment, usual), telling(told, run((9,))), lambda *_: None)
    fewer = f"e{usual - 1}"
    assert told == ["eNone 0", "eNone 1", "eNone 2", f"{fewer} 1"]
    assert [each.taken_from for each in store.rows(fewer)] == ["eNone", "", "eNone"]
    assert all(each.taken_from for each in store.rows(f"e{usual}"))


def under_both(equipment: Equipment, *calls: int) -> Work:
    """Return the work of `rewrite` and `agent`, in this order, with so many calls."""
    asked = work(equipment, *calls)

    def planned(condition: str, each: Planned) -> Planned:
        settings = under(each.settings, condition, equipment.profile)
        return Planned(f"{condition[0]}{each.settings.max_calls}", settings)

    both = [planned(name, each) for name in ("rewrite", "agent") for each in asked.planned]
    return replace(asked, planned=tuple(both))


def test_rewriting_takes_over_what_the_agent_did_where_it_would_do_the_same(
    store: EvaluationStore, equipment: Equipment
) -> None:
    told: list[str] = []
    runs = (run((1,)), run((3,), NO_PROGRESS), run((4,), CALL_LIMIT), run((7,)))
    drive = telling(told, *runs)
    evaluate(store, under_both(equipment, 4), drive, lambda *_: None)
    assert told == ["a4 0", "a4 1", "a4 2", "r4 1"]  # the agent first, though it was named last
    assert [each.taken_from for each in store.rows("r4")] == ["a4", "", "a4"]
    evaluate(store, under_both(equipment, 8), drive, lambda *_: None)
    assert [each.taken_from for each in store.rows("r8")] == ["a4", "", "a8"]
    assert [each.taken_from for each in store.rows("a8")] == ["a4", "a4", ""]  # not from rewriting


def test_who_starts_over_takes_over_only_what_is_made_with_it(
    store: EvaluationStore, equipment: Equipment
) -> None:
    told: list[str] = []
    drive = telling(told, run((1,)))
    evaluate(store, work(equipment, 8), drive, lambda *_: None)
    again = replace(work(equipment, 4, 2), anew=True)
    evaluate(store, again, drive, lambda *_: None)
    assert told[3:] == ["e4 0", "e4 1", "e4 2"]
    assert {each.taken_from for each in store.rows("e2")} == {"e4"}


def test_rewriting_takes_nothing_over_that_was_led_by_another_profile(
    store: EvaluationStore, equipment: Equipment
) -> None:
    told: list[str] = []
    agent, rewriting = (
        replace(under_both(equipment, 4), planned=(each,))
        for each in reversed(under_both(equipment, 4).planned)
    )
    other = changed(equipment.profile, gathering={"quotes": 3})
    (planned,) = agent.planned
    settings = under(planned.settings, "agent", other)
    led = replace(agent, planned=(replace(planned, settings=settings),))
    evaluate(store, led, telling(told, run((1,))), lambda *_: None)
    evaluate(store, rewriting, telling(told, run((1,))), lambda *_: None)
    assert [each for each in told if each.startswith("r4")] == ["r4 0", "r4 1", "r4 2"]


def test_fewer_calls_go_on_with_what_more_began(
    store: EvaluationStore, equipment: Equipment, ships: Collection
) -> None:
    deep = run_of(ships, 8, *SEARCHED, *FOUND, "Larvik}").events
    given: list[Task] = []

    def drive(_equipment: Equipment, tasks: Iterator[Task]) -> Results:
        for task in tasks:
            given.append(task)
            events = (*task.begun.gathered, *deep[-4:]) if task.begun else deep
            yield Result(task, Answered(scored(task.question, events), events))

    evaluate(store, work(equipment, 1, 2, 8, questions=1), drive, lambda *_: None)
    first, last = given  # the most calls first; with two it is the same
    assert (first.evaluation, first.begun) == ("e8", None)
    assert last.evaluation == "e1"
    assert last.cut_from in ("e8", "e2")
    assert last.begun is not None
    assert last.begun.gathered[-1] == GatheringEnded(2, CALL_LIMIT)


def test_less_patience_comes_before_more(store: EvaluationStore, equipment: Equipment) -> None:
    asked: list[str] = []
    planned = work(equipment, 4, 8, 32, 40, questions=1)
    evaluate(store, planned, telling(asked, run((5,), NO_PROGRESS)), lambda *_: None)
    assert [each.split()[0] for each in asked] == ["e8", "e4", "e32", "e40"]


def test_what_is_known_before_is_taken_over_at_once(
    store: EvaluationStore, equipment: Equipment
) -> None:
    evaluate(store, work(equipment, 2), telling([], run((1,))), lambda *_: None)
    taken: list[str] = []

    def drive(_equipment: Equipment, tasks: Iterator[Task]) -> Results:
        assert taken == ["e4"] * 3  # also what comes last
        return telling([], run((1,)))(_equipment, tasks)

    other = replace(SETTINGS, max_calls=9, seed=1)
    both = work(equipment, 4)
    both = replace(both, planned=(Planned("other", other), *both.planned))
    evaluate(store, both, drive, lambda name, _: taken.append(name))
    assert taken == ["e4"] * 3 + ["other"] * 3


def test_an_evaluation_of_another_name_is_made_anew(
    store: EvaluationStore, equipment: Equipment
) -> None:
    told: list[str] = []
    first = work(equipment, 4, questions=1)
    again = replace(first, planned=(Planned("again", first.planned[0].settings),))
    for each in (first, again):
        evaluate(store, each, telling(told, run((1,))), lambda *_: None)
    assert told == ["e4 0", "again 0"]


def test_nothing_is_taken_over_between_evaluations_that_differ_otherwise(
    store: EvaluationStore, equipment: Equipment
) -> None:
    told: list[str] = []
    both = work(equipment, 2, 4, questions=1)
    other = replace(both.planned[1].settings, seed=1)
    planned = (both.planned[0], Planned("other", other))
    evaluate(store, replace(both, planned=planned), telling(told, run((1,))), lambda *_: None)
    assert told == ["other 0", "e2 0"]


def test_a_mix_is_refused_before_anything_is_asked(
    store: EvaluationStore, equipment: Equipment
) -> None:
    store.begin("e4", replace(SETTINGS, seed=9), 1)
    told: list[str] = []
    with pytest.raises(EvaluationError, match="seed"):
        evaluate(store, work(equipment, 2, 4), telling(told, run()), lambda *_: None)
    assert told == []


def test_what_one_worker_has_sent_is_kept_where_another_fails(
    equipment: Equipment, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [Task("e", number, BORN, Terms("closed-book")) for number in range(2)]
    pairs = [Pipe(), Pipe()]

    @contextmanager
    def workers(_equipment: Equipment, _count: int) -> Iterator[list[Any]]:
        yield [ours for ours, _ in pairs]

    monkeypatch.setattr("edge_agent.evaluation.drivers._workers", workers)
    pairs[0][1].send(InvalidModelFile("It is damaged."))
    pairs[1][1].send(Result(tasks[1], Answered(scored(BORN, run()), ())))
    results = in_processes(2)(equipment, iter(tasks))
    assert next(results).task == tasks[1]
    with pytest.raises(InvalidModelFile, match="damaged"):
        next(results)

    # Also where only judging it went wrong.
    unjudged = Answered(scored(BORN, run()), (), ServerError("It is out of order."))
    pairs[0][1].send(Result(tasks[0], unjudged))
    pairs[1][1].send(Result(tasks[1], Answered(scored(BORN, run()), ())))
    results = in_processes(2)(equipment, iter(tasks))
    assert [next(results).task for _ in tasks] == tasks
    with pytest.raises(ServerError, match="out of order"):
        next(results)


def test_what_goes_wrong_in_a_worker_is_raised_where_it_is_driven(
    equipment: Equipment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "struct.py").write_text("raise SystemExit('what lies here was run')")
    monkeypatch.chdir(tmp_path)
    task = Task("e", 0, BORN, Terms("closed-book"))
    with pytest.raises(InvalidModelFile, match="cannot write answers"):  # a GGUF it is not
        list(in_processes(2)(equipment, iter([task])))
    assert list(in_processes(2)(equipment, iter([]))) == []
