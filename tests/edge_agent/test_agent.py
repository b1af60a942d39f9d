"""The loop, over a real library and a model that follows a script."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from scripted_server import ScriptedServer, streamed
from serving import running
from tiny_models import write_llama

from edge_agent.agent import Agent, AgentSettings, Budget
from edge_agent.events import (
    AttemptFinished,
    AttemptStarted,
    Event,
    EvidenceAdded,
    GatheringEnded,
    Nudged,
    ReadingStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    StepMeasured,
    TextAppeared,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
    UserSpoke,
)
from edge_agent.index import Collection, Library
from edge_agent.models import ContextFull, ModelError, ModelStore, Plan, Sampling, SpanKind
from edge_agent.models.chat_reply import OnlyThought
from edge_agent.profiles import Profile, load_profile
from edge_agent.runs import RunStore
from edge_agent.tools import TOOLS, ToolContext, ToolError, ToolResult
from edge_agent.tools.toolbox import Toolbox
from edge_agent.traces.conversations import conversations
from edge_agent.trajectory import Trajectory

QUESTION = "Where was the designer of the Fram born?"
SEARCH = ">search<"
READ = ">read<"
TWO_STEPS = [
    *("designed by Colin Archer", "Missing:", " birthplace\n", SEARCH),
    *("born in Larvik", "I have what I need."),
    "Larvik}",
]


def agent(session: Any, library: Collection, **settings: Any) -> Agent:
    return Agent(library, session, profile="generic", settings=AgentSettings(**settings))


def run(
    session: Any, library: Collection, question: str = QUESTION, **settings: Any
) -> list[Event]:
    return list(agent(session, library, **settings).run(question))


def finish(events: list[Event]) -> RunFinished:
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    return events[-1]


def test_two_steps_and_an_answer_with_its_sources(scripted: Any, ships: Collection) -> None:
    events = run(scripted(list(TWO_STEPS)), ships)
    done = finish(events)
    assert (done.status, done.answer, done.calls) == ("answered", "Larvik", 2)
    assert [(c.title, c.quote, c.supported) for c in done.citations] == [
        ("Colin Archer", "Colin Archer was born in Larvik.", True),
        ("Fram", "The Fram was designed by Colin Archer.", True),
    ]
    calls = [event.arguments for event in events if isinstance(event, ToolCalled)]
    assert calls == [{"query": QUESTION}, {"query": "Colin Archer birthplace"}]


def test_several_quotes_of_one_turn_are_all_kept(scripted: Any, ships: Collection) -> None:
    question = "Which was launched first, the Fram or the Gjøa?"
    script = ["launched in 1892", "built at Rosendal", "I have what I need.", "Gjøa}"]
    asked = Agent(ships, scripted(script), profile="edge")
    *_, done = asked.run(question)
    assert isinstance(done, RunFinished)
    assert {(c.title, c.quote) for c in done.citations} == {
        ("Fram", "She was launched in 1892."),
        ("Gjøa", "The Gjøa was built at Rosendal in 1872."),
    }


def test_every_passage_has_one_key_for_good(scripted: Any, ships: Collection) -> None:
    events = run(scripted(list(TWO_STEPS)), ships)
    added = [event for event in events if isinstance(event, EvidenceAdded)]
    assert [event.key for event in added] == list(range(1, len(added) + 1))
    assert len({event.passage for event in added}) == len(added)
    shown = {key for event in events if isinstance(event, ToolAnswered) for key in event.keys}
    assert shown == {event.key for event in added}


def test_the_answer_is_read_from_whole_passages_and_nothing_else(
    scripted: Any, ships: Collection
) -> None:
    session = scripted(list(TWO_STEPS))
    run(session, ships)
    reading = session.seen[-2]
    assert "His parents were Scots." in reading
    assert reading.endswith(f"Question: {QUESTION}")
    assert [span.text for span in session.spans[1:]] == session.seen[-2:]


def test_no_more_is_read_than_a_small_window_has_room_for(scripted: Any, tmp_path: Path) -> None:
    documents = tmp_path / "ships"
    documents.mkdir()
    for number in range(6):
        text = f"Ship {number} was built in {1800 + number}. " + "The ship has sailed far. " * 20
        (documents / f"{number}.md").write_text(f"# Ship {number}\n\n{text}")
    script = ["Ship 3 was built", "I have what I need.", "1803}"]
    with closing(Library(tmp_path / "library")) as library:
        library.add([documents])
        asked = Agent(Collection([library]), scripted(script, context=500), profile="edge")
        *events, done = asked.run("When was the ship built that is called Ship 3?")
    assert isinstance(done, RunFinished)
    assert (done.status, done.answer) == ("answered", "1803")
    (reading,) = [event for event in events if isinstance(event, ReadingStarted)]
    assert 1 <= len(reading.keys) < 6


@pytest.mark.parametrize("context", range(560, 680, 20))
def test_a_turn_has_room_for_all_that_it_may_quote(
    context: int, scripted: Any, tmp_path: Path
) -> None:
    documents = tmp_path / "ships"
    documents.mkdir()
    for ship in ("Fram", "Gjoa", "Maud"):
        text = f"The ship {ship} was sold after she had sailed" + " on and on" * 26
        (documents / f"{ship}.md").write_text(f"# {ship}\n\n{text}.")
    quotes = ["ship Fram", "ship Gjoa", "ship Maud"]
    script = [*quotes, "Missing:", " who sailed\n", SEARCH, "Nothing here", "I have", "Maud}"]
    with closing(Library(tmp_path / "library")) as library:
        library.add([documents])
        session = scripted(script, context=context)
        asked = Agent(Collection([library]), session, profile="edge")
        *_, done = asked.run("Which ship was sold last?")
    assert isinstance(done, RunFinished)
    assert (done.reason, done.calls) == ("enough evidence", 2)


def test_of_much_that_the_user_said_the_latest_is_read(scripted: Any, ships: Collection) -> None:
    session = scripted(list(TWO_STEPS), context=1000)
    asked = agent(session, ships)
    events = asked.run(QUESTION)
    first = next(events)
    for number in range(4):
        asked.tell(f"Line {number}. " + "Mind the year. " * 30)
    *_, done = [first, *events]
    assert isinstance(done, RunFinished)
    assert (done.status, done.answer) == ("answered", "Larvik")
    assert "Line 3." in session.seen[-2]
    assert "Line 0." not in session.seen[-2]


def test_an_answer_that_no_passage_states_is_not_given(scripted: Any, ships: Collection) -> None:
    done = finish(run(scripted([*TWO_STEPS[:-1], "Bergen}"]), ships))
    assert (done.status, done.answer, done.citations) == ("not_found", None, ())


def test_a_model_may_say_that_the_passages_do_not_say(scripted: Any, ships: Collection) -> None:
    done = finish(run(scripted([*TWO_STEPS[:-1], "Not found.}"]), ships))
    assert (done.status, done.answer, done.citations) == ("not_found", None, ())


def test_what_a_passage_says_of_something_not_found_is_an_answer(
    scripted: Any, ships: Collection, tmp_path: Path
) -> None:
    (tmp_path / "wreck.md").write_text(
        "# Titan\n\nThe wreck of the Titan was not found until 1985."
    )
    with closing(Library(tmp_path / "library")) as library:
        library.add([tmp_path / "wreck.md"])
        for answer, status in (("not found until 1985", "answered"), ("Not found.", "not_found")):
            script = ["The wreck", "I have what I need.", f"{answer}}}"]
            asked = "What became of the wreck of the Titan?"
            assert finish(run(scripted(script), Collection([library]), asked)).status == status


def test_a_number_may_be_spelled_out(scripted: Any, ships: Collection) -> None:
    script = ["eight ropes", "I have what I need.", "8}"]
    done = finish(run(scripted(script), ships, "How many ropes has the Gjøa?"))
    assert (done.status, done.answer) == ("answered", "8")


def test_nothing_found_is_said_without_asking_the_model(scripted: Any, ships: Collection) -> None:
    done = finish(run(scripted(["Nothing here helps.", "I have what I need."]), ships, "Xyzzy?"))
    assert (done.status, done.answer, done.calls) == ("not_found", None, 1)


def test_the_same_search_again_is_taken_back_with_a_reason(
    scripted: Any, ships: Collection
) -> None:
    again = ["Nothing here", " the designer born", SEARCH]
    session = scripted([*again, "designed by", "I have what", "1892}"])
    events = run(session, ships)
    taken_back = [event.reason for event in events if isinstance(event, TurnRolledBack)]
    assert taken_back == ["duplicate call"]
    assert any("searched for that already" in text for text in session.seen)
    assert finish(events).calls == 1


@pytest.mark.parametrize(("temperature", "turns"), [(0.0, 2), (0.5, 6)])
def test_a_model_that_only_repeats_itself_is_brought_to_an_end(
    temperature: float, turns: int, scripted: Any, ships: Collection
) -> None:
    generic = load_profile("generic")
    sampling = replace(generic.sampling, temperature=temperature)
    again = ["Nothing here", " the designer born", SEARCH]
    session = scripted([*again * turns, "1892}"])
    drawn = generic.model_copy(update={"sampling": sampling})
    done = finish(list(Agent(ships, session, profile=drawn).run(QUESTION)))
    assert (done.reason, done.status, session.script) == ("no progress", "answered", [])


def stuck() -> Profile:
    edge = load_profile("edge")
    gathering = edge.gathering.model_copy(update={"leads": "stuck", "named": 0})
    return edge.model_copy(update={"gathering": gathering})


def test_where_nothing_helps_a_name_that_was_read_is_looked_up(
    scripted: Any, ships: Collection
) -> None:
    script = ["designed by Colin Archer", "Missing:", " Gjøa ropes\n", SEARCH]
    led = ["Nothing here", " birth\n", SEARCH, "born in Larvik", "I have", "Larvik}"]
    events = list(Agent(ships, scripted([*script, *led]), profile=stuck()).run(QUESTION))
    calls = [event.arguments for event in events if isinstance(event, ToolCalled)]
    assert calls[1:] == [{"query": "Gjøa ropes"}, {"query": "Colin Archer birth"}]
    assert (finish(events).status, finish(events).answer) == ("answered", "Larvik")


def test_where_something_helps_the_search_is_the_students_own(
    scripted: Any, ships: Collection
) -> None:
    script = ["designed by Colin Archer", "Missing:", " whence he came\n", SEARCH]
    session = scripted([*script, "born in Larvik", "I have", "Larvik}"])
    done = finish(list(Agent(ships, session, profile=stuck()).run(QUESTION)))
    assert (done.status, done.calls) == ("answered", 2)


def test_a_search_that_was_made_before_leads_to_a_name_instead(
    scripted: Any, ships: Collection
) -> None:
    again = ["designed by Colin Archer", "Missing:", " the designer born Fram\n", SEARCH]
    instead = ["designed by Colin Archer", "Missing:", " birth\n", SEARCH]
    session = scripted([*again, *instead, "born in Larvik", "I have", "Larvik}"])
    events = list(Agent(ships, session, profile=stuck()).run(QUESTION))
    taken_back = [event.reason for event in events if isinstance(event, TurnRolledBack)]
    assert taken_back == ["duplicate call"]
    assert (finish(events).status, finish(events).calls) == ("answered", 2)


def test_at_the_limit_of_calls_it_answers_from_what_it_has(
    scripted: Any, ships: Collection
) -> None:
    script = ["launched in 1892", "Missing:", "1892}"]
    done = finish(run(scripted(script), ships, max_calls=1))
    assert (done.reason, done.status, done.answer) == ("call limit", "partial", "1892")


def test_at_the_limit_of_calls_it_may_have_enough(scripted: Any, ships: Collection) -> None:
    script = ["launched in 1892", "I have what I need.", "1892}"]
    question = "When was the Fram launched?"
    done = finish(run(scripted(script), ships, question, max_calls=1))
    assert (done.reason, done.status, done.answer) == ("enough evidence", "answered", "1892")


def test_with_more_calls_the_step_that_was_cut_off_is_written_again(
    scripted: Any, ships: Collection
) -> None:
    """So that the window is the one of a run that was allowed as much from the beginning."""
    before = run(scripted([*TWO_STEPS[:2], "Archer}"]), ships, max_calls=1)
    assert finish(before).reason == "call limit"
    after = agent(scripted(list(TWO_STEPS)), ships).resume(before, Budget(8))
    resumed = Trajectory.of([*before, *after])
    anew = Trajectory.of(run(scripted(list(TWO_STEPS)), ships))
    assert (resumed.entries, resumed.quotes) == (anew.entries, anew.quotes)
    assert resumed.outcomes == anew.outcomes


def test_a_run_without_progress_that_is_gone_on_with_makes_the_call_that_was_refused(
    scripted: Any, ships: Collection
) -> None:
    in_vain = ["Nothing here", " shipyard\n", SEARCH]
    last = ["Nothing here", "Missing:", " Colin Archer birthplace\n", SEARCH]
    before = run(scripted([*in_vain, *last, "Archer}"]), ships)
    assert (finish(before).reason, finish(before).calls) == ("no progress", 2)
    script = [*last, "born in Larvik", "I have what I need.", "Larvik}"]
    *after, done = agent(scripted(script), ships).resume(before)
    calls = [event.arguments for event in after if isinstance(event, ToolCalled)]
    assert calls == [{"query": "Colin Archer birthplace"}]
    assert isinstance(done, RunFinished)
    assert (done.status, done.answer, done.calls) == ("answered", "Larvik", 3)
    roles = [each.role for each in conversations([*before, *after, done])[0].messages()]
    assert roles == ["system", *("user", "assistant") * ((len(roles) - 1) // 2)]


def temperatures_of(session: Any) -> list[float]:
    """Return what will hold the temperature of each turn that a session writes."""
    drawn: list[float] = []
    generate = session.generate

    def generated(plan: Plan, sampling: Sampling, seed: int) -> Any:
        drawn.append(sampling.temperature)
        return generate(plan, sampling, seed)

    session.generate = generated
    return drawn


def test_a_fork_draws_its_first_turn_until_one_stands_and_no_other(
    scripted: Any, ships: Collection, tmp_path: Path
) -> None:
    session = scripted(list(TWO_STEPS))
    straight = temperatures_of(session)
    with closing(RunStore(tmp_path / "runs.db")) as store:
        list(store.record(agent(session, ships).run(QUESTION, "r-1")))
        assert set(straight) == {0.0}
        forked = store.events(store.fork("r-1", 1))
    again = ["Nothing here", " the designer born", SEARCH]  # a call that was made: taken back
    session = scripted([*again, *TWO_STEPS])
    drawn = temperatures_of(session)
    done = finish([forked[0], *agent(session, ships).resume(forked)])
    assert (done.status, done.answer) == ("answered", "Larvik")
    chance = load_profile("generic").vote_temperature
    assert drawn == [chance, chance, 0.0, 0.0]


def test_a_fork_of_a_model_that_draws_by_chance_draws_as_ever(
    scripted: Any, ships: Collection, tmp_path: Path
) -> None:
    generic = load_profile("generic")
    sampling = replace(generic.sampling, temperature=0.3)
    chancy = generic.model_copy(update={"sampling": sampling})
    with closing(RunStore(tmp_path / "runs.db")) as store:
        list(store.record(agent(scripted(list(TWO_STEPS)), ships).run(QUESTION, "r-1")))
        forked = store.events(store.fork("r-1", 1))
    session = scripted(list(TWO_STEPS))
    drawn = temperatures_of(session)
    list(Agent(ships, session, profile=chancy).resume(forked))
    assert set(drawn) == {0.3}


def test_a_model_that_fails_in_a_later_vote_takes_no_answer_away(
    scripted: Any, ships: Collection
) -> None:
    def fall_over(line: str) -> None:
        if line == "Bergen}":
            raise ModelError("it fell over")

    script = [*TWO_STEPS, "designed by Colin Archer", "I have what I need.", "Bergen}"]
    session = scripted(script, before_line=fall_over)
    done = finish(run(session, ships, attempts=2, vote=True))
    assert (done.status, done.answer) == ("partial", "Larvik")
    assert (done.reason, len(done.citations)) == ("model error: it fell over", 2)


class Waiting:
    """A search that has itself called off, if it does, and waits until it is."""

    signature = TOOLS["search"].signature

    def __init__(self, call_off: Callable[[], None] = lambda: None) -> None:
        self._call_off = call_off

    def run(self, _: dict[str, Any], context: ToolContext) -> ToolResult:
        self._call_off()
        for _attempt in range(1000):
            if context.stopped():
                raise ToolError("called off")
            time.sleep(0.01)
        raise AssertionError("it goes on")


def test_a_tool_is_not_waited_for_when_nobody_asks_for_more(
    scripted: Any, ships: Collection
) -> None:
    asked = agent(scripted([]), ships)
    asked.toolbox = Toolbox((Waiting(asked.give_up),))
    events = asked.run(QUESTION)
    before = list(takewhile(lambda each: not isinstance(each, ToolCalled), events))
    assert isinstance(next(events), TextAppeared)  # passes by: the call is still to be made
    begun = [*before, ToolCalled(1, "search", {"query": QUESTION})]
    after = agent(scripted(list(TWO_STEPS)), ships).resume(begun)
    assert Trajectory.of([*begun, *after]).outcomes[-1].answer == "Larvik"


def test_a_call_that_a_limit_ends_is_made_when_the_run_goes_on(
    scripted: Any, ships: Collection
) -> None:
    asked = agent(scripted([]), ships)
    asked.toolbox = Toolbox((Waiting(asked.interrupt),))
    before = list(asked.run(QUESTION))
    done = finish(before)
    assert (done.status, done.reason, done.calls) == ("not_found", "interrupted", 1)
    after = agent(scripted(list(TWO_STEPS)), ships).resume(before)
    resumed = Trajectory.of([*before, *after])
    anew = Trajectory.of(run(scripted(list(TWO_STEPS)), ships))
    assert (resumed.entries[1:], resumed.quotes) == (anew.entries[1:], anew.quotes)
    assert resumed.outcomes == anew.outcomes


def test_the_limit_of_time_ends_a_call(scripted: Any, ships: Collection) -> None:
    asked = agent(scripted([]), ships, max_seconds=0.5)
    asked.toolbox = Toolbox((Waiting(),))
    done = finish(list(asked.run(QUESTION)))
    assert (done.reason, done.status, done.calls) == ("time limit", "not_found", 1)


def test_votes_that_were_not_cast_are_said(scripted: Any, ships: Collection) -> None:
    def stop(line: str) -> None:
        if line == "Bergen}":
            asked.interrupt()

    script = [*TWO_STEPS, "designed by Colin Archer", "I have what I need.", "Bergen}"]
    session = scripted(script, before_line=stop)
    asked = agent(session, ships, attempts=3, vote=True)
    before = list(asked.run(QUESTION))
    done = finish(before)
    assert (done.status, done.answer, done.reason) == ("partial", "Larvik", "interrupted")
    *_, last = agent(scripted([*TWO_STEPS, *TWO_STEPS]), ships).resume(before)
    assert isinstance(last, RunFinished)
    assert (last.status, last.answer) == ("answered", "Larvik")


def test_a_vote_that_was_cast_is_not_cast_again(scripted: Any, ships: Collection) -> None:
    asked = agent(scripted(list(TWO_STEPS)), ships, attempts=2, vote=True)
    before: list[Event] = []
    for event in asked.run(QUESTION):
        before.append(event)
        if isinstance(event, AttemptFinished):
            asked.interrupt()
    assert (finish(before).status, finish(before).reason) == ("partial", "interrupted")
    other = ["designed by Colin Archer", "I have what I need.", "1892}"]
    after = list(agent(scripted(other), ships).resume(before))
    assert [each.attempt for each in after if isinstance(each, AttemptStarted)] == [2]
    outcomes = Trajectory.of([*before, *after]).outcomes
    assert [each.answer for each in outcomes] == ["Larvik", "1892"]


def test_a_fork_with_more_calls_writes_a_step_that_was_cut_off_again(
    scripted: Any, ships: Collection
) -> None:
    before = run(scripted([*TWO_STEPS[:2], "Archer}"]), ships, max_calls=1)
    end = next(n for n, event in enumerate(before) if isinstance(event, GatheringEnded))
    finished = max(n for n, e in enumerate(before[:end]) if isinstance(e, TurnFinished))
    forked = before[: finished + 1]
    after = agent(scripted(list(TWO_STEPS)), ships).resume(forked, Budget(8))
    resumed = Trajectory.of([*forked, *after])
    anew = Trajectory.of(run(scripted(list(TWO_STEPS)), ships))
    assert (resumed.entries, resumed.quotes) == (anew.entries, anew.quotes)
    assert resumed.outcomes == anew.outcomes


def test_a_step_that_is_written_again_stands_once_in_what_is_exported(
    scripted: Any, ships: Collection
) -> None:
    before = run(scripted([*TWO_STEPS[:2], "Archer}"]), ships, max_calls=1)
    after = agent(scripted(list(TWO_STEPS)), ships).resume(before, Budget(8))
    gathering = conversations([*before, *after])[0]
    anew = conversations(run(scripted(list(TWO_STEPS)), ships))[0]
    assert [*gathering.messages()] == [*anew.messages()]
    assert [*conversations(before)[0].messages()][-1].content.endswith("Missing:")


def test_a_result_is_commented_on_once(scripted: Any, ships: Collection) -> None:
    events = run(scripted(list(TWO_STEPS)), ships)
    answered = next(n for n, event in enumerate(events) if isinstance(event, ToolAnswered))
    commented = [*events[: answered + 1], Nudged(1, "duplicate result", "That was known.")]
    rolled_back = [*commented, TurnStarted(2), TurnRolledBack(2, "refusal")]
    assert Trajectory.of(rolled_back).nudged
    assert not Trajectory.of([*rolled_back, events[answered]]).nudged


def test_a_result_that_ends_like_a_step_that_was_cut_off_stays(
    scripted: Any, ships: Collection
) -> None:
    events = run(scripted([*TWO_STEPS[:2], "Archer}"]), ships, max_calls=1)
    at, answered = next(
        (at, event) for at, event in enumerate(events) if isinstance(event, ToolAnswered)
    )
    result = replace(answered, text="Missing:")
    stopped = [*events[:at], result, GatheringEnded(1, "time limit"), events[-1]]
    trajectory = Trajectory.of([*stopped, RunResumed("r", 8, None, None)])
    assert trajectory.entries[-1].text == "Missing:"


def test_a_pause_is_waited_for_and_costs_no_time(scripted: Any, ships: Collection) -> None:
    session = scripted(list(TWO_STEPS))
    paused = agent(session, ships)
    timers: list[threading.Timer] = []

    def pause(line: str) -> None:
        if "birthplace" in line:
            paused.pause()
            timers.append(threading.Timer(0.4, paused.go_on))
            timers[-1].start()

    session.before_line = pause
    began = time.monotonic()
    done = finish(list(paused.run(QUESTION)))
    timers[0].join()
    assert done.answer == "Larvik"
    assert done.seconds <= time.monotonic() - began - 0.3


def test_a_model_that_only_thinks_is_no_library_without_an_answer(
    home: Path, ships: Collection
) -> None:
    with running(ScriptedServer()) as server:
        server.raw = streamed({"reasoning_content": "The user asks where"}, ended="length")
        with Agent(ships, f"{server.address}#qwen3", profile="generic") as asked:
            done = asked.ask(QUESTION)
    assert (done.status, done.answer) == ("failed", None)
    assert "The model qwen3 at http://127.0.0.1" in done.reason
    assert "thinks before it speaks" in done.reason
    assert {str(body["chat_template_kwargs"]) for body in server.asked} == {
        "{'enable_thinking': False}"
    }


@pytest.mark.parametrize("thoughts", [1, 2, 3])
def test_a_thought_that_is_cut_off_costs_one_of_the_tries_to_answer(
    thoughts: int, scripted: Any, ships: Collection
) -> None:
    generic = load_profile("generic")
    reading = generic.reading.model_copy(update={"tries": 3})
    tried = generic.model_copy(update={"reading": reading})
    session = scripted([*TWO_STEPS[:-1], *["thinking"] * thoughts, "Larvik}"])

    def think(line: str) -> None:
        if line == "thinking":
            raise OnlyThought("its tokens ended")

    session.before_line = think
    done = finish(list(Agent(ships, session, profile=tried).run(QUESTION)))
    assert (done.status, done.answer) == (
        ("answered", "Larvik") if thoughts < 3 else ("failed", None)
    )


def test_a_model_that_is_named_is_named_in_the_records(
    home: Path, ships: Collection, tmp_path: Path
) -> None:
    own = write_llama(tmp_path / "own.gguf")
    ModelStore(home / "models").add("mine", own)
    here = Path(os.path.relpath(own))
    for given, named in (
        ("mine", ("mine", "mine")),
        (str(here), ("own", str(own))),
        ("http://127.0.0.1:1/v1#qwen3", ("qwen3", "http://127.0.0.1:1/v1#qwen3")),
        ("http://127.0.0.1:1/v1/", ("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1")),
    ):
        settings = Agent(ships, given).settings
        assert (settings.model, settings.model_source) == named
    settings = AgentSettings(model="tiny")
    assert Agent(ships, "mine", settings=settings).settings.model == "tiny"


def test_the_beginning_of_a_run_names_its_model(home: Path, ships: Collection) -> None:
    with running(ScriptedServer()) as server:
        address = f"{server.address}#qwen3"
        with Agent(ships, address) as asked:
            started = next(asked.run(QUESTION))
    assert isinstance(started, RunStarted)
    assert (started.model, started.model_source) == ("qwen3", address)


@pytest.mark.parametrize("profile", ["generic", "edge", "mirothinker"])
def test_a_question_that_the_window_has_room_for_does_not_fail(
    scripted: Any, ships: Collection, profile: str
) -> None:
    refused = 0
    for words in range(100, 1200, 100):
        question = f"{QUESTION} {'word ' * words}"
        script = ["I have what I need."] * 3 + ["Larvik}"] * 4
        asked = Agent(ships, scripted(script, context=1200), profile=profile)
        try:
            asked.require_room(question)
        except ContextFull:
            refused += 1
        else:
            assert asked.ask(question).status != "failed"
    assert 0 < refused < 11


def while_loading(server: ScriptedServer, say: Callable[[], None]) -> None:
    """Have something said while an agent finds out which model a server has."""

    def listed() -> list[str]:
        say()
        return ["qwen3"]

    server.listed = listed
    server.answer = lambda body: "1}"


def test_what_is_said_while_the_model_is_loaded_counts(home: Path, ships: Collection) -> None:
    settings = AgentSettings(max_calls=1)
    with (
        running(ScriptedServer()) as server,
        Agent(ships, server.address, profile="generic", settings=settings) as asked,
    ):
        while_loading(server, lambda: asked.tell("Mind the year."))
        events = [*asked.run(QUESTION)]
    assert [event.text for event in events if isinstance(event, UserSpoke)] == ["Mind the year."]


def test_a_run_that_is_gone_on_with_hears_it_too(
    home: Path, scripted: Any, ships: Collection
) -> None:
    before = run(scripted([*TWO_STEPS[:2], "Archer}"]), ships, max_calls=1)
    with (
        running(ScriptedServer()) as server,
        Agent(ships, server.address, profile="generic") as asked,
    ):
        while_loading(server, asked.interrupt)
        *_, done = asked.resume(before, Budget(8))
    assert isinstance(done, RunFinished)
    assert (done.reason, done.calls) == ("interrupted", 1)


def test_an_interrupt_ends_a_pause(scripted: Any, ships: Collection) -> None:
    session = scripted(["designed by Colin Archer", "Missing:", " birthplace\n", "Archer}"])
    asked = agent(session, ships)

    def pause_and_interrupt(line: str) -> None:
        if "birthplace" in line:
            asked.pause()
            asked.interrupt()

    session.before_line = pause_and_interrupt
    assert finish(list(asked.run(QUESTION))).reason == "interrupted"


def test_an_interrupt_ends_the_gathering_and_an_answer_follows(
    scripted: Any, ships: Collection
) -> None:
    session = scripted([*TWO_STEPS[:3], "1892}"])
    asked = agent(session, ships)
    session.before_line = lambda line: asked.interrupt() if "birthplace" in line else None
    events = []
    for event in asked.run(QUESTION):
        events.append(event)
        if isinstance(event, TurnRolledBack):
            kinds = [span.kind for span in session.spans]
            assert kinds == [
                *(SpanKind.SYSTEM, SpanKind.QUESTION, SpanKind.TURN, SpanKind.RESULT),
            ]
    done = finish(events)
    assert any(isinstance(event, TurnRolledBack) for event in events)
    assert (done.reason, done.status, done.answer) == ("interrupted", "partial", "1892")


def test_no_time_left_ends_it_before_the_first_turn(scripted: Any, ships: Collection) -> None:
    done = finish(run(scripted([]), ships, max_seconds=1e-9))
    assert (done.reason, done.status, done.calls) == ("time limit", "not_found", 0)


def test_at_the_limit_of_tokens_it_answers_and_goes_on_with_more(
    scripted: Any, ships: Collection
) -> None:
    free = run(scripted(list(TWO_STEPS)), ships)
    first = next(event.tokens for event in free if isinstance(event, StepMeasured))
    most = first.prompt + first.generated + 1
    script = ["designed by Colin Archer", "1892}"]
    before = run(scripted(script), ships, max_tokens=most)
    done = finish(before)
    assert (done.reason, done.status, done.answer) == ("token limit", "partial", "1892")
    assert [e.reason for e in before if isinstance(e, TurnRolledBack)] == ["token limit"]
    *_, no_more = agent(scripted(["1892}"]), ships).resume(before)
    assert isinstance(no_more, RunFinished)
    assert (no_more.reason, no_more.calls) == ("token limit", 1)
    *_, more = agent(scripted(list(TWO_STEPS)), ships).resume(before, Budget(8, None, 10**6))
    assert isinstance(more, RunFinished)
    assert (more.reason, more.answer, more.calls) == ("enough evidence", "Larvik", 2)


@pytest.mark.parametrize(("left", "attempts"), [(0, 1), (1, 2)])
def test_all_attempts_share_the_limit_of_tokens(
    left: int, attempts: int, scripted: Any, ships: Collection
) -> None:
    in_vain = ["Nothing here helps.", "I have what I need."]
    spent = finish(run(scripted(list(in_vain)), ships, "Xyzzy?")).tokens
    most = spent.prompt + spent.generated + left
    events = run(scripted(in_vain), ships, "Xyzzy?", attempts=3, max_tokens=most)
    assert (finish(events).reason, finish(events).calls) == ("token limit", 1)
    assert sum(isinstance(event, AttemptFinished) for event in events) == attempts


def test_a_passage_can_be_read_by_its_key(scripted: Any, ships: Collection) -> None:
    script = ["designed by", "Missing:", " more", READ, '{"passage": 1}', "Nothing here"]
    script += TWO_STEPS[2:]
    events = run(scripted(script), ships)
    assert [event.tool for event in events if isinstance(event, ToolCalled)] == [
        *("search", "read", "search"),
    ]


@pytest.mark.parametrize("arguments", ['{"passage": 99}', '{"passage": "x"}', "{}"])
def test_a_call_that_fails_is_a_result_that_says_why(
    arguments: str, scripted: Any, ships: Collection
) -> None:
    script = ["designed by", "Missing:", " more", READ, arguments, " born", SEARCH]
    script += ["born in Larvik", "I have what I need.", "1892}"]
    events = run(scripted(script), ships)
    failed = [event for event in events if isinstance(event, ToolAnswered) and event.failed]
    assert len(failed) == 1
    assert failed[0].text.startswith("Tool call to read on library failed. Error: ")
    assert "\n" not in failed[0].text
    assert finish(events).answer == "1892"


def test_a_window_too_small_for_the_prompt_ends_in_a_sentence(
    scripted: Any, ships: Collection
) -> None:
    done = finish(run(scripted([], context=20), ships))
    assert done.status == "failed"
    assert "--context" in done.reason


def test_a_second_question_starts_afresh(scripted: Any, ships: Collection) -> None:
    session = scripted([*TWO_STEPS, *TWO_STEPS])
    asked = agent(session, ships)
    first = finish(list(asked.run(QUESTION)))
    second = finish(list(asked.run(QUESTION)))
    assert (first.answer, first.citations) == (second.answer, second.citations)
