"""The Python of a run: right, bounded, without files or network, and the same when repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.agent import Agent
from edge_agent.checking.computations import ORIGIN
from edge_agent.errors import ToolboxError
from edge_agent.events import Event, RunFinished, ToolAnswered, ToolCalled
from edge_agent.evidence import Evidence
from edge_agent.extras import open_extras
from edge_agent.index import Collection
from edge_agent.models import EngineSettings, Sampling, SpanKind
from edge_agent.profiles import load_profile
from edge_agent.protocol import ToolCall, guided_call, parse, repaired
from edge_agent.tools import (
    TOOLS,
    EarlierCall,
    ToolContext,
    ToolError,
    ToolResult,
    choice,
)
from edge_agent.tools.run_python_code import RunPythonCode
from edge_agent.tools.sandbox import run_code

PYTHON = TOOLS["python"].signature
QUESTION = "How many years before 1901 was the Fram launched?"


@pytest.fixture
def where(ships: Collection) -> ToolContext:
    return ToolContext(
        library=ships,
        evidence=Evidence(),
        question=QUESTION,
        count=lambda text: len(text.split()),
        results=5,
        tokens=100,
    )


def ran(where: ToolContext, code: str, tool: str = "python", name: str = "code") -> ToolResult:
    return TOOLS[tool].run({name: code}, where)


def after(where: ToolContext, *codes: str, name: str = "code") -> ToolContext:
    """Return where a run stands after these calls, none of which failed."""
    known = len(where.evidence)
    return replace(where, earlier=tuple(EarlierCall({name: code}, known) for code in codes))


# What it computes


@given(numbers=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=5), data=st.data())
@settings(max_examples=25)
def test_arithmetic_agrees_with_pythons(numbers: list[int], data: st.DataObject) -> None:
    signs = data.draw(
        st.lists(st.sampled_from("+-*/%"), min_size=len(numbers) - 1, max_size=len(numbers) - 1)
    )
    code = "".join(f"({n}){s}" for n, s in zip(numbers, [*signs, ""], strict=True))
    blank = ToolContext(None, Evidence(), "", len, 5, 400)  # type: ignore[arg-type]
    try:
        expected = eval(code)  # noqa: S307
    except ZeroDivisionError:
        with pytest.raises(ToolError, match="ZeroDivisionError"):
            computed(blank, code)
    else:
        assert computed(blank, code) == str(expected)


def computed(where: ToolContext, code: str) -> str:
    return run_code(code, [], where).output


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("from datetime import date\n(date(1964, 9, 4) - date(1890, 3, 4)).days", "27212"),
        ("print('a', 1)\n[2, 3]", "a 1\n[2, 3]"),
        ("import re\nlen(re.findall('was', passages[1]))", "2"),
        ("sorted(key for key, text in passages.items() if 'Archer' in text)", "[1]"),
        ("import time\ntime.sleep(60)\n'awake'", "awake"),
        ("import datetime as d\nt = d.datetime.now()\nd.datetime.now() == t", "True"),
        ("x = 5", ""),
        ("x = 'ü'; (x +\n  'é') # and no more", "üé"),
        ("*'ab', 1", "('a', 'b', 1)"),
        ("str = None\n['it is', None, 1.5]", "['it is', None, 1.5]"),
        ("'one\\ntwo';\r\n# done\n", "one\ntwo"),
        ("None", ""),
        ("if True:\n    5", ""),
    ],
)
def test_dates_text_and_evidence(where: ToolContext, code: str, output: str) -> None:
    TOOLS["search"].run({"query": "Fram"}, replace(where, results=1))
    assert computed(where, code) == output


def test_a_result_is_evidence_that_may_be_quoted(where: ToolContext) -> None:
    result = ran(where, "1901 - 1892")
    assert result.text == "[1] Computation: 1901 - 1892 = 9"
    (quote,) = result.shown
    assert quote.sentence == "1901 - 1892 = 9"
    exhibit = where.evidence.get(1)
    assert exhibit is not None
    assert (exhibit.library, exhibit.passage.text) == (ORIGIN, "1901 - 1892\n= 9")
    assert ran(where, "1901 - 1892").keys == (1,)
    assert ran(where, "1901 - 1891").keys == (2,)


def test_code_that_shows_nothing_is_no_evidence(where: ToolContext) -> None:
    assert "last line" in ran(where, "x = 5").text
    assert len(where.evidence) == 0


@pytest.mark.parametrize("code", ["print('word ' * 100_000)", "[*range(20_000)]"])
def test_what_code_shows_is_bounded_and_counted_only_so_far(where: ToolContext, code: str) -> None:
    counted: list[int] = []

    def count(text: str) -> int:
        counted.append(len(text))
        return len(text.split())

    bounded = replace(where, count=count)
    text = RunPythonCode().run({"code_block": code}, bounded).text
    assert len(text.split()) <= where.tokens
    assert "too long to show" in text
    assert max(counted) <= 16 * where.tokens


def test_a_long_output_is_cut_to_what_the_window_has_room_for(where: ToolContext) -> None:
    text = ran(where, "print(*range(5000))").text
    assert "print(*range(5000)) = 0 1 2" in text
    assert "too long to show" in text
    assert len(text.split()) < 80


# Its limits


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("while True: pass", "TimeoutError"),
        ("x = ['a' * 1000]\nwhile True: x += x", "MemoryError"),
        ("'a' * 10**10", "MemoryError"),
        ("9**9**9", "MemoryError|TimeoutError"),
        ("def f(n): return f(n + 1)\nf(0)", "RecursionError"),
        ("import os\nos.listdir('/')", "PermissionError"),
        ("import os\nos.environ['HOME']", "not supported"),
        ("open('/etc/passwd').read()", "PermissionError"),
        ("from pathlib import Path\nPath('/tmp/x').write_text('x')", "PermissionError"),
        ("import socket", "No module named 'socket'"),
        ("import subprocess", "No module named 'subprocess'"),
        ("__import__('os').system('true')", "Error"),
        ("10**5000", "cannot be shown"),
        ("while True: print('x' * 10_000)", "MemoryError|TimeoutError"),
    ],
)
def test_what_it_must_not_do_ends_as_an_error(where: ToolContext, code: str, fault: str) -> None:
    with pytest.raises(ToolError, match=fault):
        ran(where, code)


DOUBLED = "x = ['a' * 1000]\nfor _ in range({}): x = [x, x]\n"


@pytest.mark.parametrize("code", ["x", "(x)", "y = 1; x # so large", "f'{x}'"])
def test_a_value_that_is_large_only_outside_stays_inside(where: ToolContext, code: str) -> None:
    with pytest.raises(ToolError, match="MemoryError"):
        ran(where, DOUBLED.format(22) + code)


def test_of_a_value_no_more_is_fetched_than_is_shown(where: ToolContext) -> None:
    value = run_code(DOUBLED.format(12) + "x", [], where).value
    assert value is not None
    assert len(value) == 1_000_000


def test_no_value_of_earlier_code_is_fetched(where: ToolContext) -> None:
    assert run_code("len(x)", [DOUBLED.format(40) + "x"], after(where, "")).output == "2"


def test_an_error_names_the_line(where: ToolContext) -> None:
    with pytest.raises(ToolError, match=r"^line 2, `1 / y`: ZeroDivisionError: division by zero\."):
        ran(where, "y = 0\n1 / y")
    with pytest.raises(ToolError, match=r"^line 1, `x = \(`: SyntaxError: "):
        ran(where, "x = (")
    with pytest.raises(ToolError, match=r"^line 3, `1 / 0\)`: ZeroDivisionError: "):
        ran(where, "y = 0\n(y,\n  1 / 0)")


def test_an_interpreter_that_is_not_there_is_an_error(
    where: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONTY_BIN", "/nowhere/monty")
    with pytest.raises(ToolError, match="cannot be started"):
        ran(where, "1")


# Its state


def test_later_calls_know_what_earlier_ones_named(where: ToolContext) -> None:
    later = after(where, "launched = 1892", "def years(n): return n - launched")
    assert ran(later, "years(1901)").text.endswith("= 9")
    with pytest.raises(ToolError, match="NameError"):
        ran(where, "launched")


def test_what_is_repeated_sees_the_passages_of_its_time(where: ToolContext) -> None:
    TOOLS["search"].run({"query": "Fram"}, replace(where, results=1))
    later = after(where, "then = len(passages)")
    TOOLS["search"].run({"query": "Gjøa"}, replace(where, results=3))
    now = len(where.evidence)
    assert now > 1
    assert ran(later, "(then, len(passages))").text.endswith(f"= (1, {now})")


def test_chance_gives_the_same_again(where: ToolContext) -> None:
    code = "import random\nx = [random.random() for _ in range(3)]"
    first, again = ran(after(where, code), "x").text, ran(after(where, code), "x").text
    assert first == again


# As models know it


def test_mirothinker_has_it_as_it_was_trained(where: ToolContext) -> None:
    tool = choice("python", load_profile("mirothinker").surfaces)
    assert (tool.signature.server, tool.signature.name) == ("tool-python", "run_python_code")
    call = ToolCall("tool-python", "python", {"code": "print(1)\n2", "sandbox_id": "x"})
    meant = repaired(call, [tool.signature])
    assert (meant.tool, meant.arguments["code_block"]) == ("run_python_code", "print(1)\n2")
    result = tool.run(meant.arguments, where)
    assert result.text == (
        "Execution(Results: [Result(2)], Logs: Logs(stdout: ['1\\n'], stderr: []), Error: None)"
    )
    assert result.keys == (1,)
    later = after(where, "x = 3", name="code_block")
    assert "Result(4)" in ran(later, "x + 1", "run_python_code", "code_block").text


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.installation.find_spec", lambda _: None)
    with (
        pytest.raises(ToolboxError, match=r"pip install 'miro-edge\[python\]'"),
        open_extras(["python"], load_profile("edge")),
    ):
        pass


# In a run

LAUNCHED = "launched in 1892"
USED = ["Now use a tool:", '{"code": "1901 - 1892"}']
RESULT = "1901 - 1892 = 9"


def agent(session: Any, ships: Collection, stack: ExitStack, name: str = "edge") -> Agent:
    profile = load_profile(name)
    extras = stack.enter_context(open_extras(["python"], profile))
    return Agent(ships, session, profile=profile, extras=extras)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.mark.parametrize("name", ["edge", "generic"])
def test_an_answer_that_was_computed_is_cited(
    scripted: Any, ships: Collection, stack: Any, name: str
) -> None:
    session = scripted([LAUNCHED, *USED, RESULT, "I have what I need.", "9}"])
    events = list(agent(session, ships, stack, name).run(QUESTION))
    done = events[-1]
    assert isinstance(done, RunFinished)
    assert (done.status, done.answer) == ("answered", "9")
    computation, source = done.citations
    assert (computation.quote, computation.library) == (RESULT, ORIGIN)
    assert (source.library, source.supported) == ("ships", True)
    assert session.script == []


def test_a_number_out_of_nowhere_is_no_answer(scripted: Any, ships: Collection, stack: Any) -> None:
    used = ["Now use a tool:", '{"code": "1801 - 1792"}']
    script = [LAUNCHED, *used, "1801 - 1792 = 9", "I have what I need.", "9}"]
    done = list(agent(scripted(script), ships, stack).run(QUESTION))[-1]
    assert isinstance(done, RunFinished)
    assert done.status == "not_found"


def test_code_that_fails_is_told_and_leaves_nothing(
    scripted: Any, ships: Collection, stack: Any
) -> None:
    use = "Now use a tool:"
    script = [
        *(LAUNCHED, use, '{"code": "a = 1\\n1/0"}'),
        *(use, '{"code": "1901 - a"}'),
        *("I have what I need.", "not found}"),
    ]
    events = list(agent(scripted(script), ships, stack).run(QUESTION))
    answers = [e for e in events if isinstance(e, ToolAnswered)][1:]
    assert [e.failed for e in answers] == [True, True]
    assert "ZeroDivisionError" in answers[0].text
    assert "NameError: name 'a' is not defined" in answers[1].text


def test_a_run_that_was_killed_computes_on(scripted: Any, ships: Collection, stack: Any) -> None:
    use = "Now use a tool:"
    begun = [LAUNCHED, use, '{"code": "b = 1892"}']
    ended = [use, '{"code": "1901 - b"}', "1901 - b = 9", "I have what I need.", "9}"]
    whole = list(agent(scripted([*begun, *ended]), ships, stack).run(QUESTION))
    calls = [n for n, e in enumerate(whole) if isinstance(e, ToolCalled)]
    for kept in (calls[1], calls[2]):  # in the middle of each of the two computations
        before: list[Event] = whole[: kept + 1]
        script = [*ended] if kept == calls[1] else ended[2:]
        on = list(agent(scripted(script), ships, stack).resume(before))
        assert isinstance(on[-1], RunFinished)
        assert on[-1].answer == "9"


@pytest.mark.slow
def test_a_real_models_call_is_well_formed_and_runs(smollm2: Path, where: ToolContext) -> None:
    from edge_agent.models.engine import Engine
    from edge_agent.models.session import Session

    with Engine(smollm2, EngineSettings(context=1024, threads=1)) as engine:
        session = Session(engine)
        session.append(SpanKind.SYSTEM, "You write Python.", trusted=True)
        session.append(SpanKind.QUESTION, "Compute 1901 - 1892 in Python, in one short line.")
        plan = guided_call((PYTHON,), 40)
        text = "".join(p.text for p in session.generate(plan, Sampling(temperature=0.0), 1))
    call = parse(text).call
    assert call is not None
    assert (call.server, call.tool, list(call.arguments)) == ("python", "python", ["code"])
    with suppress(ToolError):  # what so small a model writes need not be Python
        assert ran(where, call.arguments["code"]).text
