"""Guards: each takes back, comments on or ends what it is there for, and nothing else."""

from __future__ import annotations

import pytest
from runs_told import Told, exhibit

from edge_agent.guards import Finish, Nudge, RollBack, judge_result, judge_turn
from edge_agent.profiles import Profile, load_profile
from edge_agent.protocol import Message, parse, render_call
from edge_agent.protocol import ToolCall as Call
from edge_agent.reasons import NO_PROGRESS

PROFILE = load_profile("generic")
ONE = exhibit(1, "Fram", "Fram was built by Colin Archer.")
TWO = exhibit(2, "Larvik", "Larvik is a town.")
READ = Call("library", "read", {"source": 1})
SCRAPE = Call(
    "jina_scrape_llm_summary",
    "scrape_and_extract_info",
    {"url": "doc://l/d1", "info_to_extract": "Who built it?"},
)
QUOTE = "Fram: Fram was built by Colin Archer. [1]\n"


def searching(query: str, thought: str = "Missing: that\n") -> Message:
    return calling(Call("library", "search", {"query": query}), thought)


def calling(call: Call, thought: str = "Missing: that\n") -> Message:
    return parse(thought + render_call(call))


def reason(message: Message, told: Told, profile: Profile = PROFILE) -> str | None:
    verdict = judge_turn(message, told.trajectory, profile)
    return None if verdict is None else verdict.reason


@pytest.mark.parametrize(
    "query", ["colin ARCHER born", "the born Colin Archer", "Colin Archer born"]
)
def test_a_query_is_the_same_whatever_its_case_and_order(query: str) -> None:
    told = Told("q?").searched("Colin Archer born", ONE)
    assert reason(searching(query), told) == "duplicate call"
    assert reason(searching("Colin Archer died"), told) is None


@pytest.mark.parametrize(
    ("query", "other"),
    [("Apollo", "Apollo 1"), ("Formula", "Formula One"), ("The Who", "It"), ("Who", "The Who")],
)
def test_a_query_is_another_one_with_another_number_or_name(query: str, other: str) -> None:
    for first, then in ((query, other), (other, query)):
        told = Told("q?").searched(first, ONE)
        assert reason(searching(then), told) is None
        assert reason(searching(first), told) == "duplicate call"


@pytest.mark.parametrize(("profile", "read"), [("generic", READ), ("mirothinker", SCRAPE)])
def test_what_has_left_the_window_may_be_read_again(profile: str, read: Call) -> None:
    leading, again = load_profile(profile), calling(read)
    told = Told("q?").called(read, ONE)
    assert reason(again, told, leading) == "duplicate call"
    assert reason(again, told.cut(), leading) is None
    assert reason(again, told.called(read, ONE), leading) == "duplicate call"


def test_what_was_read_again_is_something_new() -> None:
    told = Told("q?").called(READ, ONE).cut().called(READ, ONE)
    assert judge_result(told.trajectory, PROFILE) is None
    told.called(Call("library", "read", {"source": "Fram"}), ONE)
    assert isinstance(judge_result(told.trajectory, PROFILE), Nudge)


def test_another_attempt_may_read_what_one_before_has_read() -> None:
    told = Told("q?").searched("Fram", ONE).called(READ, ONE, TWO).attempted_again()
    assert reason(calling(READ), told) is None
    assert reason(searching("Fram"), told) == "duplicate call"
    assert reason(calling(READ), told.called(READ, ONE, TWO)) == "duplicate call"


def test_what_could_not_be_read_and_what_was_searched_are_not_asked_for_again() -> None:
    told = Told("q?").searched("Fram", ONE).called(READ, failed=True).cut().cut()
    assert reason(searching("Fram"), told) == "duplicate call"
    assert reason(calling(READ), told) == "duplicate call"


def test_a_broken_call_is_taken_back_and_the_fault_told() -> None:
    message = parse("I look.\n<use_mcp_tool>\n<server_name>library</server_name>\n")
    verdict = judge_turn(message, Told("q?").trajectory, PROFILE)
    assert isinstance(verdict, RollBack)
    assert verdict.reason.startswith("malformed call")
    assert message.fault is not None
    assert message.fault in verdict.told


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("I'm sorry, but I cannot help with that.", True),
        ("As an AI I have no access.", True),
        ("I am unable to browse.", True),
        ("The captain said he was sorry.", False),
        ("I can't see the date in these passages.", False),
        ("I'm sorry. \\boxed{Larvik}", False),
    ],
)
def test_declining_is_taken_back_and_an_answer_is_not(text: str, refused: bool) -> None:
    assert (reason(parse(text), Told("q?")) == "refusal") == refused


def test_a_loop_is_taken_back() -> None:
    loop = parse("and then it sailed to the north " * 8)
    assert reason(loop, Told("q?")) == "repetition"
    assert reason(parse("The north. The ship. The north. The ship."), Told("q?")) is None


def test_the_same_result_twice_is_commented_on_once() -> None:
    told = Told("q?").searched("Fram", ONE)
    assert judge_result(told.trajectory, PROFILE) is None
    told.searched("Fram ship", ONE)
    assert isinstance(judge_result(told.trajectory, PROFILE), Nudge)
    told.trajectory.nudged = True
    assert judge_result(told.trajectory, PROFILE) is None


def test_two_calls_without_a_quote_end_the_gathering() -> None:
    told = Told("q?").searched("Fram", ONE)
    assert reason(searching("Larvik"), told) is None
    told.searched("Larvik", TWO)
    verdict = judge_turn(searching("Oslo"), told.trajectory, PROFILE)
    assert verdict == Finish(NO_PROGRESS)


def test_a_quote_now_or_lately_is_progress() -> None:
    told = Told("q?").searched("Fram", ONE).quoted(ONE, "Larvik", TWO)
    assert reason(searching("Oslo"), told) is None
    nothing = Told("q?").searched("Larvik", ONE, TWO).searched("Fram", ONE)
    assert reason(searching("Oslo", QUOTE), nothing) is None


def test_where_nothing_is_quoted_new_passages_are_progress() -> None:
    free = PROFILE.model_copy(
        update={"gathering": PROFILE.gathering.model_copy(update={"thoughts": "free"})}
    )
    told = Told("q?").searched("Fram", ONE).searched("Larvik", TWO)
    assert reason(searching("Oslo"), told, free) is None
    told.searched("Fram again", ONE).searched("Larvik again", TWO)
    assert reason(searching("Oslo"), told, free) == NO_PROGRESS


def test_a_guard_that_the_profile_leaves_out_does_not_watch() -> None:
    guarding = PROFILE.guarding.model_copy(update={"guards": ("refusal",)})
    told = Told("q?").searched("Fram", ONE)
    assert (
        reason(searching("Fram"), told, PROFILE.model_copy(update={"guarding": guarding})) is None
    )
