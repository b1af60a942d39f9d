"""Traces of runs in every format: whole, killed, resumed, failed, hostile, and of long ago."""

from __future__ import annotations

import dataclasses
import json
import re
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from edge_agent.agent import Agent, AgentSettings
from edge_agent.errors import RunError
from edge_agent.events import (
    AttemptFinished,
    AttemptStarted,
    Citation,
    Claim,
    Event,
    EvidenceAdded,
    GatheringEnded,
    NoteWritten,
    Nudged,
    Quote,
    ReadingStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    SpanCut,
    StepMeasured,
    TextAppeared,
    TokenCounts,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
    UserSpoke,
    from_record,
)
from edge_agent.index import Collection
from edge_agent.protocol import ToolCall, parse, render_call
from edge_agent.showing import placed, shown
from edge_agent.traces import FORMATS, export

QUESTION = "Where was the designer of the Fram born?"
SCRIPT = [
    *("designed by Colin Archer", "Missing:", " birthplace\n", ">search<"),
    *("born in Larvik", "I have what I need."),
    "Larvik}",
]
STARTED = RunStarted(
    "r-1", QUESTION, "model", "ships", "generic", 0, 8,
    context=4096, system="You gather.", prompt=f"Question: {QUESTION}",
)  # fmt: skip
COST = TokenCounts(120, 60, 20)
FRAM = "The Fram was designed by Colin Archer."
LARVIK = "Colin Archer was born in Larvik."


def call_for(query: str) -> str:
    return render_call(ToolCall("library", "search", {"query": query}))


def search(step: int, query: str, sentence: str) -> list[Event]:
    """Return the events of a search that brings a passage of one sentence, its key the step."""
    return [
        TurnStarted(step),
        TextAppeared(step, "pass", "sampled"),
        TurnFinished(step, f"Missing: {query}\n{call_for(query)}"),
        ToolCalled(step, "search", {"query": query}),
        EvidenceAdded(step, step, f"p{step}", "d", "A title", "ships.md", "page 3", sentence),
        ToolAnswered(
            step, "search", f"[{step}] {sentence}", (step,), shown=(Quote(step, sentence),)
        ),
        StepMeasured(step, 300 * step, 4096, COST, 1.5, 10**9),
    ]


def read(step: int, answer: str) -> list[Event]:
    return [
        GatheringEnded(step - 1, "enough evidence"),
        ReadingStarted(step - 1, (1, 2), "You answer.", f"[1] {FRAM}\n[2] {LARVIK}"),
        TurnStarted(step),
        TurnFinished(step, f"Answer: \\boxed{{{answer}}}"),
        StepMeasured(step, 500, 4096, COST, 1.0, 10**9),
    ]


def end(answer: str | None, **changes: Any) -> RunFinished:
    citation = Citation(2, "A title", "ships.md", "page 3", LARVIK, True)
    done = RunFinished(
        "r-1", "answered", answer, (citation,), 2, 12.5, COST, "enough evidence",
        (Claim("Larvik", (2,)), Claim("in Norway", ())),
    )  # fmt: skip
    return replace(done, **changes)


def whole_run() -> list[Event]:
    """Return a run with everything in it: room is made while a turn is being taken back."""
    return [
        STARTED,
        *search(1, "Fram designer", FRAM),
        Nudged(1, "no progress", "Look elsewhere."),
        UserSpoke(1, "In Norway?", "The user adds: In Norway?", 7),
        TurnStarted(2),
        TurnFinished(2, call_for("Fram designer")),
        SpanCut(2, "result", 40, 3),
        NoteWritten(2, "Found so far: Archer."),
        TurnRolledBack(2, "duplicate query", "You have searched for that already."),
        StepMeasured(2, 600, 4096, COST, 1.5, 10**9),
        *search(3, "Colin Archer birthplace", LARVIK),
        TurnStarted(4),
        TurnFinished(4, "I have what I need."),
        *read(5, "Larvik"),
        AttemptFinished(1, "answered", "Larvik", (), (), "enough evidence"),
        end("Larvik [3]"),
    ]


def two_attempts() -> list[Event]:
    return [
        STARTED,
        *search(1, "Fram", FRAM),
        *read(2, "not found"),
        AttemptFinished(1, "not_found", None, (), (), "enough evidence"),
        AttemptStarted(2, "Tried before: Fram."),
        *search(3, "Colin Archer", LARVIK),
        *read(4, "Larvik"),
        AttemptFinished(2, "answered", "Larvik", (), (), "enough evidence"),
        end("Larvik"),
    ]


def run_of_the_first_version() -> list[Event]:
    """Return a run whose records have the fields and kinds of the first version alone."""
    return [
        RunStarted("r-0", QUESTION, "model", "ships", "generic", 0, 8),
        TurnStarted(1),
        TurnFinished(1, call_for(QUESTION)),
        ToolCalled(1, "search", {"query": QUESTION}),
        EvidenceAdded(1, 1, "p1", "d", "Fram", "fram.md", "", FRAM),
        ToolAnswered(1, "search", f"[1] {FRAM}", (1,)),
        TurnStarted(2),
        TurnFinished(2, "I have what I need."),
        TurnStarted(3),
        TurnFinished(3, "Answer: \\boxed{Larvik}"),
        end("Larvik", run="r-0", claims=()),
    ]


RUNS = {
    "whole": whole_run(),
    "two attempts": two_attempts(),
    "first version": run_of_the_first_version(),
    "failed": [*whole_run()[:5], end(None, status="failed", citations=(), reason="no memory")],
    "resumed": [*whole_run(), RunResumed("r-1", 9, None, None), *search(6, "Norway", LARVIK)],
}


@pytest.fixture
def events(scripted: Any, ships: Collection) -> list[Event]:
    agent = Agent(ships, scripted(list(SCRIPT)), profile="generic", settings=AgentSettings())
    return list(agent.run(QUESTION, "r-1"))


def conversations(events: list[Event]) -> list[list[tuple[str, str]]]:
    """Return the messages of each conversation, as role and content."""
    lines = export("chatml", events).splitlines()
    return [[(m["role"], m["content"]) for m in json.loads(line)["messages"]] for line in lines]


# Every format


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("run", RUNS)
def test_a_run_can_be_exported_wherever_it_was_killed(format: str, run: str) -> None:
    for length in range(1, len(RUNS[run]) + 1):
        part = RUNS[run][:length]
        assert export(format, part, [1.0] * length).encode() or format == "chatml"


@pytest.mark.parametrize("format", FORMATS)
def test_no_run_is_a_sentence(format: str) -> None:
    with pytest.raises(RunError, match="no run"):
        export(format, [])
    with pytest.raises(RunError, match="no run"):
        export(format, [end(None)])


def test_a_format_that_is_not_there_and_times_that_do_not_fit_are_sentences() -> None:
    with pytest.raises(RunError, match="Use one of: json, chatml, miroflow, markdown, html"):
        export("pdf", whole_run())
    with pytest.raises(RunError, match="2 times"):
        export("json", whole_run(), [1.0, 2.0])


@pytest.mark.parametrize("format", FORMATS)
def test_half_a_character_can_be_written_to_a_file(format: str) -> None:
    half = [filled(event, "a\ud800b") for event in whole_run()]
    assert export(format, half).encode("utf-8")


# JSON


def test_every_event_is_in_the_json_and_can_be_restored(events: list[Event]) -> None:
    times = [1.5 + number for number in range(len(events))]
    record = json.loads(export("json", events, times))
    assert list(record) == [
        *("run", "question", "status", "answer", "citations", "claims", "events", "times")
    ]
    assert (record["run"], record["status"], record["answer"]) == ("r-1", "answered", "Larvik")
    assert record["citations"][0]["supported"]
    assert [from_record(each) for each in record["events"]] == events
    assert record["times"] == times


def test_a_run_that_goes_on_after_its_end_is_unfinished() -> None:
    record = json.loads(export("json", RUNS["resumed"]))
    assert (record["status"], record["answer"], record["citations"]) == ("unfinished", None, [])


# Conversations for training


def test_conversations_for_training_are_what_the_model_saw(events: list[Event]) -> None:
    gathering, reading = map(json.loads, export("chatml", events).splitlines())
    assert [m["role"] for m in gathering["messages"]] == [
        *("system", "user", "assistant", "user", "assistant", "user", "assistant"),
    ]
    assert gathering["messages"][1]["content"] == f"Question: {QUESTION}"
    assert [m["role"] for m in reading["messages"]] == ["system", "user", "assistant"]
    assert reading["messages"][2]["content"] == "Answer: \\boxed{Larvik}"


def test_a_turn_taken_back_leaves_and_what_the_model_is_told_stays() -> None:
    gathering, reading = conversations(whole_run())
    told = [
        *(f"[1] {FRAM}", "Look elsewhere.", "The user adds: In Norway?"),
        *("Found so far: Archer.", "You have searched for that already."),
    ]
    assert gathering == [
        ("system", "You gather."),
        ("user", f"Question: {QUESTION}"),
        ("assistant", f"Missing: Fram designer\n{call_for('Fram designer')}"),
        ("user", "\n\n".join(told)),
        ("assistant", f"Missing: Colin Archer birthplace\n{call_for('Colin Archer birthplace')}"),
        ("user", f"[3] {LARVIK}"),
        ("assistant", "I have what I need."),
    ]
    assert reading == [
        ("system", "You answer."),
        ("user", f"[1] {FRAM}\n[2] {LARVIK}"),
        ("assistant", "Answer: \\boxed{Larvik}"),
    ]


def test_each_attempt_has_its_conversations_and_begins_with_the_summary() -> None:
    records = [json.loads(line) for line in export("chatml", two_attempts()).splitlines()]
    assert [(each["attempt"], each["phase"]) for each in records] == [
        *((1, "gathering"), (1, "reading"), (2, "gathering"), (2, "reading")),
    ]
    second = records[2]["messages"]
    assert second[1]["content"] == f"Question: {QUESTION}\n\nTried before: Fram."
    assert FRAM not in json.dumps(second)


def test_a_killed_conversation_ends_with_the_last_turn_and_one_without_is_left_out() -> None:
    answered = next(n for n, e in enumerate(whole_run()) if isinstance(e, ToolAnswered))
    (only,) = conversations(whole_run()[: answered + 1])
    assert [role for role, _ in only] == ["system", "user", "assistant"]
    assert export("chatml", whole_run()[:3]) == ""
    asked = next(n for n, e in enumerate(whole_run()) if isinstance(e, ReadingStarted))
    assert len(conversations(whole_run()[: asked + 2])) == 1


def test_an_answer_that_was_killed_and_written_again_belongs_to_its_reading() -> None:
    begun = next(n for n, e in enumerate(whole_run()) if isinstance(e, ReadingStarted)) + 2
    torn = [*whole_run()[:begun], RunResumed("r-1", 8, None, None), *whole_run()[begun:]]
    assert conversations(torn) == conversations(whole_run())


def test_a_turn_that_was_broken_off_takes_none_with_it() -> None:
    stopped = [
        *whole_run(),
        RunResumed("r-1", 9, None, None),
        *(TurnStarted(6), TurnRolledBack(6, "interrupted"), GatheringEnded(6, "interrupted")),
    ]
    assert conversations(stopped) == conversations(whole_run())


def test_a_resumed_run_gathers_on_in_its_first_conversation() -> None:
    gathering, _ = conversations(RUNS["resumed"])
    assert gathering[-1] == ("assistant", f"Missing: Norway\n{call_for('Norway')}")


def test_an_answer_asked_for_in_the_window_is_part_of_the_gathering() -> None:
    asked = [
        *whole_run()[:8],
        *(GatheringEnded(1, "call limit"), ReadingStarted(1, (), "", "Now answer.")),
        *(TurnStarted(2), TurnFinished(2, "\\boxed{Larvik}")),
    ]
    (only,) = conversations(asked)
    assert only[-2][1].endswith("\n\nNow answer.")
    assert only[-1] == ("assistant", "\\boxed{Larvik}")


def test_a_run_of_the_first_version_has_no_answer_without_its_prompt() -> None:
    (gathering,) = conversations(run_of_the_first_version())
    assert gathering == [
        ("user", QUESTION),
        ("assistant", call_for(QUESTION)),
        ("user", f"[1] {FRAM}"),
        ("assistant", "I have what I need."),
    ]


@given(st.text())
def test_a_conversation_is_one_line_whatever_is_in_it(text: str) -> None:
    run = [*whole_run()[:3], TurnFinished(1, f"{text}\u2028\x85."), TurnStarted(2)]
    (only,) = conversations(run)
    assert only[-1] == ("assistant", f"{text}\u2028\x85.")


# MiroThinker's viewer


def test_a_log_for_the_viewer_has_its_keys(events: list[Event]) -> None:
    log = json.loads(export("miroflow", events, [0.0] * len(events)))
    assert list(log) == [
        *("status", "start_time", "end_time", "task_id", "input", "ground_truth"),
        *("final_boxed_answer", "final_judge_result", "judge_type", "error"),
        *("current_main_turn_id", "current_sub_agent_turn_id", "sub_agent_counter"),
        *("current_sub_agent_session_id", "env_info", "log_dir", "main_agent_message_history"),
        *("sub_agent_message_history_sessions", "step_logs", "trace_data"),
    ]
    history = log["main_agent_message_history"]
    assert list(history) == ["system_prompt", "message_history"]
    assert history["system_prompt"].startswith("You answer questions")
    call = history["message_history"][1]
    assert (list(call), call["role"]) == (["role", "content"], "assistant")
    assert call["content"][0]["type"] == "text"
    assert parse(call["content"][0]["text"]).call == ToolCall(
        "library", "search", {"query": QUESTION}
    )
    assert log["final_boxed_answer"] == "Larvik"
    assert log["start_time"] == log["end_time"] == "1970-01-01 00:00:00"


def test_the_lines_of_a_log_are_in_order_with_levels_that_the_viewer_knows() -> None:
    log = json.loads(export("miroflow", whole_run()))
    lines = log["step_logs"]
    assert all(
        list(line) == ["step_name", "message", "timestamp", "info_level", "metadata"]
        for line in lines
    )
    stored = [each for each in whole_run() if not isinstance(each, TextAppeared)]
    assert [line["metadata"]["event"] for line in lines] == [type(e).__name__ for e in stored]
    assert {line["info_level"] for line in lines} <= {"info", "warning", "error", "debug"}
    taken_back = next(line for line in lines if line["metadata"]["event"] == "TurnRolledBack")
    assert taken_back["step_name"] == "Main Agent | Guard | Step 2"
    assert (taken_back["message"], taken_back["info_level"]) == ("duplicate query", "warning")
    assert taken_back["timestamp"] == ""
    assert log["trace_data"]["spans"][0]["duration_seconds"] == 1.5


def test_a_log_says_how_a_run_stands() -> None:
    failed = json.loads(export("miroflow", RUNS["failed"]))
    assert (failed["status"], failed["error"]) == ("failed", "no memory")
    killed = json.loads(export("miroflow", whole_run()[:9], [0.0] * 9))
    assert (killed["status"], killed["end_time"], killed["error"]) == ("running", "", "")


def test_a_log_has_the_messages_of_the_last_attempt() -> None:
    history = json.loads(export("miroflow", two_attempts()))["main_agent_message_history"]
    first = history["message_history"][0]["content"][0]["text"]
    assert first.endswith("Tried before: Fram.")


def test_a_log_of_the_first_version_has_no_system_prompt_and_all_turns() -> None:
    history = json.loads(export("miroflow", run_of_the_first_version()))[
        "main_agent_message_history"
    ]
    assert history["system_prompt"] == ""
    texts = [message["content"][0]["text"] for message in history["message_history"]]
    assert texts[0] == QUESTION
    assert texts[-1] == "Answer: \\boxed{Larvik}"


# Reports for people


def test_reports_for_people_name_answer_and_sources(events: list[Event]) -> None:
    report = export("markdown", events)
    assert "**Larvik** (answered)" in report
    assert "> Colin Archer was born in Larvik." in report
    page = export("html", events)
    assert ">Larvik</p>" in page
    assert 'href="#e' in page
    assert "<svg" in page


@pytest.mark.parametrize(
    "told",
    [
        *("duplicate query", "You have searched for that already", "In Norway?", "Look elsewhere"),
        *("result of 40 tokens left the window", "Found so far: Archer.", "enough evidence"),
        *("A title", "page 3", "ships.md", LARVIK, "query: Colin Archer birthplace", "12.5 s"),
        *("supported by nothing", "window 300 of 4096 tokens", "1970-01-01 00:00:00 UTC"),
    ],
)
@pytest.mark.parametrize("format", ["markdown", "html"])
def test_a_report_tells_how_the_run_went(format: str, told: str) -> None:
    assert told in export(format, whole_run(), [0.0] * len(whole_run()))


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_a_report_names_the_call_of_a_turn_that_was_taken_back(format: str) -> None:
    assert export(format, whole_run()).count("call of search, not made") in (1, 2)
    assert "not made" not in export(format, two_attempts())


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_a_report_says_why_there_is_no_answer(format: str) -> None:
    assert "This run failed: no memory" in export(format, RUNS["failed"])
    assert "This run has not ended." in export(format, whole_run()[:9])
    assert "Not found in this library." in export(format, [STARTED, end(None)])


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_a_report_sets_attempts_apart(format: str) -> None:
    report = export(format, two_attempts())
    assert re.search(r"Step 2\b.*Attempt 2\b.*Tried before: Fram.*Step 3\b", report, re.DOTALL)


MARKS = st.text(alphabet=st.sampled_from("<&>#-+=*_`[]()!|~.:/;1ax\n \\\u202e"))


@given(st.text() | MARKS)
@example("&#x202e;")
@example("1. &lt;b&gt; <b>x</b> [a](b)")
def test_a_markdown_report_takes_what_was_written_for_text(hostile: str) -> None:
    harmless = tokens(export("markdown", [filled(event, "harmless") for event in whole_run()]))
    found = tokens(export("markdown", [filled(event, f"{hostile}.") for event in whole_run()]))
    assert {token.type for token in found} <= {token.type for token in harmless} | {"hardbreak"}
    title = found[found.index(next(t for t in found if t.type == "heading_open")) + 1]
    assert "".join(part.content for part in title.children or ()) == " ".join(
        shown(f"{hostile}.").split()
    )


def tokens(report: str) -> list[Token]:
    """Return what a report is made of, all that Markdown may have besides CommonMark included."""
    blocks = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(report)
    return [token for block in blocks for token in (block, *(block.children or ()))]


# The page


class Elements(HTMLParser):
    """The elements of a page with the names of their attributes, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[tuple[str, ...]] = set()
        self.unclosed: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, *(name for name, _ in attrs)))
        if tag != "meta":
            self.unclosed.append(tag)
        for name, value in attrs:
            assert value is not None
            assert name not in ("src", "style")
            assert not name.startswith("on")
            if name == "id":
                self.ids.add(value)
            elif name == "href":
                self.links.add(value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")


def filled(value: Any, text: str) -> Any:
    """Return `value` with `text` for every string in it, however deep."""
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(filled(each, text) for each in value)
    if isinstance(value, dict):
        return {text: text, "many": [text, {text: text}]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return replace(value, **{name: filled(getattr(value, name), text) for name in names})
    return value


HOSTILE = [
    *("<script>x</script>", '"><img src=x onerror=x>', "</style><b>", "</title><b>", "<!--", "]]>"),
    *(
        "<?x ?>",
        "&lt;script&gt;",
        "&#x202e;",
        "\u202eevil",
        "\u2067x",
        "a\x1b[31m",
        "\ud800",
        "[1]",
    ),
]


@given(st.text() | st.sampled_from(HOSTILE))
def test_a_page_has_no_elements_but_its_own(hostile: str) -> None:
    template = Elements(export("html", [filled(event, "[1] harmless") for event in whole_run()]))
    text = export("html", [filled(event, hostile) for event in whole_run()])
    page = Elements(text)
    assert page.elements <= template.elements
    assert page.ids <= {"e1", "e3"}
    assert page.links <= {"#e1", "#e3"}
    assert page.unclosed == []
    categories = {unicodedata.category(c) for c in text if c not in "\n\t\u200c\u200d"}
    assert categories.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn"})


def test_what_turns_the_reading_direction_is_spelt_out_and_lines_are_kept() -> None:
    page = export("html", [STARTED, end("a\u202eb\r\nc\xadd")])
    assert "a\\u{202e}b\ncd</p>" in page


@pytest.mark.parametrize("run", RUNS)
def test_every_link_of_a_page_leads_to_evidence(run: str) -> None:
    page = Elements(export("html", RUNS[run]))
    assert {link.removeprefix("#") for link in page.links} <= page.ids


def test_keys_in_an_answer_lead_to_the_evidence_that_there_is() -> None:
    page = export("html", whole_run())
    assert '<p class="answer">Larvik <a href="#e3">[3]</a></p>' in page
    assert "[2] <bdi>A title" in page  # no passage has that key: nothing to lead to


def test_a_page_loads_nothing_and_shows_light_and_dark() -> None:
    page = export("html", whole_run())
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert "http:" not in page
    assert "https:" not in page


def test_the_evidence_is_there_whole_with_its_verdict() -> None:
    run = [*whole_run()[:-1], end("Larvik", citations=(Citation(3, "t", "s", "", LARVIK, True),))]
    row = re.search(r'<tr id="e3">.*?</tr>', export("html", run), re.DOTALL)
    assert row is not None
    assert LARVIK in row[0]
    assert "supports the answer" in row[0]
    other = re.search(r'<tr id="e1">.*?</tr>', export("html", run), re.DOTALL)
    assert other is not None
    assert "not cited" in other[0]


def test_the_picture_has_words_beside_it_and_marks_the_cuts() -> None:
    page = export("html", whole_run())
    words = "Tokens in the window after each of 4 steps: at most 900 of 4096."
    assert f'aria-label="{words}"' in page
    assert f"<p>{words} Circles: steps in which spans were cut to make room (1).</p>" in page
    assert page.count("<circle") == 1
    assert ">tokens in the window</text>" in page
    assert ">step</text>" in page


@pytest.mark.parametrize("window", [0, 4096, 9000])
def test_a_picture_of_one_step_stays_within_its_frame(window: int) -> None:
    measured = StepMeasured(1, window, 4096, COST, 1.0, 1)
    page = export("html", [STARTED, TurnStarted(1), measured])
    points = re.search(r'points="([^"]*)"', page)
    assert points is not None
    heights = [float(point.partition(",")[2]) for point in points[1].split()]
    assert len(heights) == 2
    assert all(20 <= height <= 180 for height in heights)
    assert export("html", [STARTED, TurnStarted(1), replace(measured, context=0)])


@pytest.mark.parametrize(
    ("places", "said"),
    [(("line 3",), "Fram (line 3)"), (("", ""), "Fram"), (("/d", "§ A\nB"), "Fram (/d, § A B)")],
)
def test_where_something_stands_is_said_as_far_as_it_is_known(
    places: tuple[str, ...], said: str
) -> None:
    assert placed("Fram", *places) == said
