"""What documents and the model wrote never steers a terminal, in no command and no format."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import cycle
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from injections import INJECTIONS, MARKUP, TERMINAL
from scripted_app import ScriptedBench
from seen import GROUPS, file_name, hostile_run, raw, together
from ships import NAMES, Quoting, record

from edge_agent.cli import main
from edge_agent.config import load_config
from edge_agent.home import Home
from edge_agent.models import Choose, Force, Sample
from edge_agent.runs import RunStore
from edge_agent.showing import in_one_line, json_text, shown
from edge_agent.traces import FORMATS
from edge_agent.tui.plain import Conversation

SERVER = "http://127.0.0.1:9/v1#scripted"
PLAIN = ("terminal", "markup")
"""Groups whose texts are all shown as people read them: it is what they are made for."""
RUNS = {group: f"20200101-00000{n}-0000" for n, group in enumerate(GROUPS)}


def call(*arguments: str) -> Result:
    """Call a command whose output, escapes and all, comes as a terminal would have it."""
    result = CliRunner().invoke(main, list(arguments), color=True)
    assert "Traceback" not in result.output
    return result


def clean(*arguments: str) -> Result:
    """Call a command, and check that nothing raw comes of it."""
    result = call(*arguments)
    assert raw(result.stdout) | raw(result.stderr) == set(), arguments
    return result


# The one place


@pytest.mark.parametrize("name", INJECTIONS)
def test_all_that_is_hidden_is_spelt_out(name: str) -> None:
    text = INJECTIONS[name]
    assert raw(shown(text)) == set()
    assert shown(shown(text)) == shown(text)
    assert "\n" not in in_one_line(text)
    written = json_text({"text": text})
    assert raw(written) == set()
    assert json.loads(written) == {"text": text}


@given(st.text() | st.text(alphabet="a\u200d\u200c\ufe0f\U000e0101❤\u202e\n \u00a0"))
def test_any_text_is_harmless_once_it_is_shown(text: str) -> None:
    assert raw(shown(text)) == set()
    assert shown(shown(text)) == shown(text)
    assert in_one_line(in_one_line(text)) == in_one_line(text)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_json_keeps_every_text(text: str) -> None:
    assert json.loads(json_text([text])) == [text]
    assert raw(json_text([text])) == set()


def test_what_belongs_to_a_script_or_a_picture_stays() -> None:
    for text in ("नमस्‍ते क्‌ष", "می‌خواهم", "👩‍🔬", "❤️", "1️⃣", "葛󠄀城", "שלום עולם", "سفينة", "Gjøa"):
        assert shown(text) == text
    assert shown("a\xadb\r\nc\u2028d") == "ab\nc\nd"
    assert shown("a\x1b[1m\u202e\x9b") == "a\\u{1b}[1m\\u{202e}\\u{9b}"
    assert shown("x\u200d\u200cy\u3164") == "x\\u{200d}\\u{200c}y\\u{3164}"


# Libraries


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Documents that are hostile in their names, titles, headings and texts; some are broken."""
    folder = tmp_path / "documents"
    folder.mkdir()
    for number, text in enumerate(INJECTIONS.values()):
        content = f"# {text}\n\n## {text}\n\nThe walrus sings. {text[:500]}"
        (folder / file_name(f"{number} {text}.md")).write_text(content, encoding="utf-8")
        if number % 9 == 0:
            (folder / file_name(f"{number} {text}.pdf")).write_bytes(b"%PDF-1.7")
    with open(os.fsencode(folder) + b"/half \xff\xfe \x1b[2J.md", "w") as half:  # noqa: PTH123
        half.write("# Half\n\nThe walrus sings.")
    lines = [record(NAMES[name], text) for name, text in INJECTIONS.items()]
    (folder / "records.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    return folder


def test_no_command_about_libraries_says_anything_raw(home: Path, folder: Path) -> None:
    added = clean("index", "add", "evil", str(folder))
    assert added.exit_code == 0
    assert "miro-edge index problems evil" in added.stderr
    again = json.loads(clean("index", "add", "evil", str(folder), "--json").stdout)
    assert any("no UTF-8" in problem["reason"] for problem in again["problems"])
    found = json.loads(
        clean("index", "search", "evil", "walrus sings", "--limit", "200", "--json").stdout
    )["results"]
    assert len(found) >= 80
    for each in found[::7]:
        assert "walrus" in clean("index", "show", "evil", each["passage"]).stdout
        clean("index", "show", "evil", each["passage"], "--json")
    for verb in ("problems", "stats", "verify", "update"):
        clean("index", verb, "evil")
        json.loads(clean("index", verb, "evil", "--json").stdout)
    clean("index", "list")
    clean("index", "search", "evil", "\x1b[2J\u202ewalrs zzz")
    clean("index", "show", "evil", "no \x1b[2J such")
    clean("doctor")


def test_an_option_that_quotes_the_name_of_a_file_is_clean(home: Path, folder: Path) -> None:
    others = [text for group in GROUPS if group not in PLAIN for text in GROUPS[group].values()]
    for text in (*TERMINAL.values(), *MARKUP.values(), *others[::6]):
        clean("index", "add", f"x{file_name(text)}", str(folder / "no" / file_name(text)))
        clean("ask", "--profile", file_name(text) or "x", "Who?")
        clean("runs", "show", file_name(text) or "x")
        clean("runs", "export", "x", "--format", file_name(text) or "x")
        clean(file_name(text) or "x")


# Asking


class Repeating(Quoting):
    """A model that answers with what a document says."""

    answer = ""

    def write(self, step: Force | Choose | Sample, seed: int) -> str:
        if isinstance(step, Sample) and "}" in step.stop:
            return f"Larvik {self.answer[:300]}}}"
        return super().write(step, seed)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("records") / "ships.jsonl"
    lines = [record(NAMES[name], text) for name, text in INJECTIONS.items()]
    path.write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    return path


@pytest.mark.parametrize("group", GROUPS)
def test_asking_says_nothing_raw(
    group: str, home: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Repeating(context=100_000)

    @contextmanager
    def opened(*_: object) -> Iterator[Quoting]:
        yield session

    monkeypatch.setattr("edge_agent.cli.agent_setup.open_session", opened)
    common = ("ask", "--offline", "-m", SERVER, "--profile", "generic", "-l", str(records))
    clean("index", "add", "evil", str(records))
    common = (*common[:-1], "evil")
    samples = [*GROUPS[group]][::3][:6]
    formats = dict(zip(samples, cycle(("--json", "--events", "--quiet")), strict=False))
    wanted = [(name, [option]) for name, option in formats.items()]
    wanted += [(name, []) for name in (GROUPS[group] if group in PLAIN else samples)]
    for name, options in wanted:
        session.ship, session.turns, session.answer = NAMES[name], 0, INJECTIONS[name]
        session.spans = ()
        asked = clean(*common, *options, f"Where was the {NAMES[name]} designed?")
        assert asked.exit_code in (0, 3)
        if "--json" in options:
            assert json.loads(asked.stdout)["run"]
        if "--events" in options:
            assert all(map(json.loads, asked.stdout.splitlines()))


# Runs


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a run for each group, in which everything that was said is hostile."""
    home = Home(tmp_path_factory.mktemp("ran"))
    with closing(RunStore(home.runs)) as store:
        for group, run in RUNS.items():
            text = together([*GROUPS[group].values()])
            for _ in store.record(iter(hostile_run(text, run))):
                pass
    return home


@pytest.fixture
def at_home(ran: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("MIRO_EDGE_HOME", str(ran.root))
    return ran


def test_lists_of_runs_are_clean(at_home: Home) -> None:
    assert clean("runs", "list").stdout.count("20200101") == len(GROUPS)
    assert len(json.loads(clean("runs", "list", "--json").stdout)["runs"]) == len(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_a_run_is_clean_in_every_command_and_format(group: str, at_home: Home) -> None:
    clean("runs", "show", RUNS[group])
    told = json.loads(clean("runs", "show", RUNS[group], "--json").stdout)
    assert told["events"][0]["question"] == together([*GROUPS[group].values()])
    for form in FORMATS:
        assert clean("runs", "export", RUNS[group], "--format", form).exit_code == 0


def test_brackets_make_no_links_and_colons_no_pictures(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "4000")
    for command in (("list",), ("show", RUNS["markup"])):
        said = call("runs", *command).output
        assert "\x1b]" not in said
        assert "[bold red]Oslo[/bold red]" in re.sub(r"\x1b\[[\d;]*m", "", said)
        assert ":skull:" in said


def test_no_line_of_a_document_passes_for_one_of_ours(at_home: Home) -> None:
    for group in GROUPS:
        lines = clean("runs", "show", RUNS[group]).stdout.splitlines()
        assert lines.count("Sources") == 1
        ends = lines[lines.index("Sources") + 1 :]
        assert all(line.startswith(("[", "    “")) for line in ends)


def test_a_page_loads_and_runs_nothing(at_home: Home) -> None:
    for group in GROUPS:
        page = clean("runs", "export", RUNS[group], "--format", "html").stdout
        assert "default-src 'none'" in page
        elements = {tag.lower() for tag in re.findall(r"<([a-zA-Z][\w-]*)", page)}
        assert elements.isdisjoint({"script", "img", "iframe", "base", "link", "object", "embed"})
        assert not re.search(r"<[^>]*\s(?:on\w+|src|action)\s*=", page)
        assert all(link.startswith("#e") for link in re.findall(r'<[^>]*\shref="([^"]*)"', page))


# Line by line


def test_the_interface_line_by_line_says_nothing_raw(
    at_home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = ScriptedBench(at_home)
    with closing(RunStore(at_home.runs)) as store:
        talk = Conversation(at_home, store, bench, load_config(at_home.config))
        for line in (
            "/runs",
            "/libraries",
            "/models",
            "/set",
            *map("/open {}".format, RUNS.values()),
        ):
            talk.take(line)
            said = capsys.readouterr().out
            assert raw(said) == set()
            starts = {each.split(":")[0] for each in said.splitlines() if not each.startswith("  ")}
            assert not {"Oslo", "> Oslo", "---", "| a | b |"} & starts
