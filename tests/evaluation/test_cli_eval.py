"""`miro-edge eval` from the command line, with a scripted model in the place of a real one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import commands
import llama_cpp
import pytest
from click.testing import Result
from commands import said
from evaluated import row
from scripted_server import Refusal, ScriptedServer
from scripted_session import DOCUMENTS, ScriptedSession
from serving import running

from edge_agent.cli.evaluation_progress import evaluation_progress
from edge_agent.evaluation.judge import KEY_VARIABLE
from edge_agent.evaluation.revision import revision
from edge_agent.evaluation.store import EvaluationStore
from edge_agent.home import Home
from edge_agent.models import Choose, EngineSettings, Force, Sample

QUESTIONS: list[dict[str, Any]] = [
    {"id": "q1", "split": "dev", "question": "Where was Colin Archer born?", "answer": "Larvik",
     "gold": ["archer"], "type": "single"},
    {"id": "q2", "split": "dev", "question": "Who designed the Fram?", "answer": "Colin Archer",
     "gold": ["fram"], "type": "single"},
    {"id": "q3", "split": "dev", "question": "Who painted the Gjøa?", "answers": [],
     "type": "unanswerable"},
    {"id": "t1", "split": "train", "question": "When was she launched?", "answer": "1892"},
]  # fmt: skip


def call(*arguments: object) -> Result:
    return commands.call("eval", *arguments)


@dataclass
class Model:
    """Answers every question with `answer`, and tells which it was asked."""

    answer: str = "Larvik"
    asked: list[str] = field(default_factory=list)
    opened: int = 0
    before: Callable[[], None] = lambda: None

    @contextmanager
    def open(self, *_: Any) -> Iterator[Any]:
        self.opened += 1
        model = self

        class Answering(ScriptedSession):
            def write(self, step: Force | Choose | Sample, seed: int) -> str:
                if isinstance(step, Force):
                    return step.text
                if isinstance(step, Choose):
                    return next((o for o in step.options if "I have" in o), step.options[0])
                model.before()
                model.asked.append(self.seen[-1])
                return f"{model.answer}}}"

        yield Answering()


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    model = Model()
    monkeypatch.setattr("edge_agent.evaluation.respondent.open_session", model.open)
    return model


@pytest.fixture
def ships(tmp_path: Path, home: Path) -> Path:
    folder = tmp_path / "ships"
    folder.mkdir()
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as lines:
        for name, text in DOCUMENTS.items():
            title = text.split("\n")[0].strip("# ")
            record = {"id": name.removesuffix(".md"), "title": title, "text": text}
            lines.write(json.dumps(record) + "\n")
    (folder / "questions.jsonl").write_text(
        "".join(json.dumps(each) + "\n" for each in QUESTIONS), encoding="utf-8"
    )
    return folder


@pytest.fixture
def run(ships: Path, smollm2: Path, model: Model) -> Callable[..., Result]:
    return lambda *more: call("run", ships, "--offline", "-m", smollm2, "--name", "e", *more)


def test_the_numbers_and_the_lines_of_an_evaluation(
    run: Callable[..., Result], model: Model, home: Path
) -> None:
    result = run("--json", "--as", "single-shot")
    assert result.exit_code == 0, said(result)
    record = json.loads(result.stdout)
    names = {"set", "n", "em", "f1", "evidence_recall", "citation_precision", "abstention", "calls",
             "seconds", "tokens", "rows"}  # fmt: skip
    assert names <= set(record)
    assert (record["set"], record["n"], record["em"]) == ("ships", 3, pytest.approx(66.7))
    assert record["abstention"]["recall"] == 100.0  # what no passage states is no answer
    assert record["refused"] == 50.0
    assert record["groups"]["kind"]["single"]["n"] == 2
    assert (record["evidence_recall"], record["calls"]) == (100.0, 1.0)
    lines = Path(record["rows"]).read_text("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["q1", "q2", "q3"]
    assert json.loads(lines[0])["answer"] == "Larvik"
    assert Path(record["rows"]).is_relative_to(home)
    assert "Reading files" in said(result)  # the set's own corpus became a library


def test_the_same_command_goes_on_where_it_was(run: Callable[..., Result], model: Model) -> None:
    assert run("--limit", "1").exit_code == 0
    assert len(model.asked) == 1
    done = run()
    assert (done.exit_code, len(model.asked)) == (0, 3)
    again = run()
    assert (again.exit_code, len(model.asked), model.opened) == (0, 3, 2)
    assert again.stdout == done.stdout
    assert run("--again", "--limit", "2").exit_code == 0
    assert len(model.asked) == 5


def test_what_is_done_is_kept_at_an_interruption(run: Callable[..., Result], model: Model) -> None:
    def interrupt() -> None:
        if len(model.asked) == 2:
            raise KeyboardInterrupt

    model.before = interrupt
    broken = run("--as", "closed-book")
    assert broken.exit_code == 130
    assert "2 of 3 answers are kept" in said(broken)
    assert "same command" in said(broken)
    model.before = lambda: None
    assert run("--as", "closed-book").exit_code == 0
    assert len(model.asked) == 3
    listed = json.loads(call("list", "--json").stdout)["evaluations"]
    assert [(each["name"], each["done"]) for each in listed] == [("e", 3)]


def test_what_is_not_complete_is_told_wherever_it_is_shown(
    run: Callable[..., Result], model: Model, tmp_path: Path
) -> None:
    assert run("--name", "whole", "--as", "closed-book").exit_code == 0

    def interrupt() -> None:
        if len(model.asked) == 5:
            raise KeyboardInterrupt

    model.before = interrupt
    assert run("--name", "part", "--as", "closed-book", "--seed", "1").exit_code == 130
    html = tmp_path / "report.html"
    report = call("report", "--html", html)
    assert "2 of 3" in report.stdout
    page = html.read_text("utf-8")
    assert "<td>2 of 3</td>" in page
    assert "2 of 3 questions" in page  # beside its bar
    assert ", 3 questions" in page
    records = json.loads(call("report", "--json").stdout)["evaluations"]
    assert [(each["n"], each["asked"]) for each in records] == [(3, 3), (2, 3)]
    compared = call("compare", "whole", "part")
    assert "part has 2 of 3 questions." in compared.stdout
    assert "whole has" not in compared.stdout
    record = json.loads(call("compare", "whole", "part", "--json").stdout)
    assert (record["done"], record["asked"]) == ({"a": 3, "b": 2}, {"a": 3, "b": 3})


def test_what_has_no_answers_yet_is_named(
    run: Callable[..., Result], model: Model, judge: ScriptedServer
) -> None:
    assert run("--as", "closed-book").exit_code == 0

    def interrupt() -> None:
        raise KeyboardInterrupt

    model.before = interrupt
    assert run("--name", "empty", "--as", "closed-book", "--seed", "1").exit_code == 130
    told = "empty has no answers yet. Go on with it"
    for pair in (("e", "empty"), ("empty", "e")):
        compared = call("compare", *pair)
        assert compared.exit_code == 1
        assert told in said(compared)
    for command in (("report", "e", "empty"), ("judge", "e", "empty", "--judge", judge.address)):
        reported = call(*command, "--json")
        assert [each["evaluation"] for each in json.loads(reported.stdout)["evaluations"]] == ["e"]
        assert said(reported).count(told) == 1
    assert "nothing to report" in said(call("report", "empty"))


def test_a_mix_of_settings_is_refused(
    run: Callable[..., Result], ships: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--limit", "1").exit_code == 0
    with monkeypatch.context() as upgraded:
        upgraded.setattr("edge_agent.evaluation.settings.revision", lambda: "later")
        assert f"version ({revision()}, now later)" in said(run())
    with monkeypatch.context() as upgraded:
        upgraded.setattr("edge_agent.models.engine.inference_library", lambda: "another")
        assert f"inference (llama-cpp-python {llama_cpp.__version__}, built for" in said(run())
    refused = run("--seed", "1")
    assert refused.exit_code == 1
    assert "seed (0, now 1)" in said(refused)
    assert "give the same command again" not in said(refused)
    with (ships / "questions.jsonl").open("a") as lines:
        lines.write('{"id": "q9", "split": "dev", "question": "Why?", "answer": "x"}\n')
    assert "set_sha256" in said(run())
    assert run("--again").exit_code == 0


def test_another_cache_or_another_server_is_another_setting(
    run: Callable[..., Result], model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cache() -> str:
        with closing(EvaluationStore(Home.from_environment().evaluations)) as store:
            return store.evaluation("e").settings.kv_type

    assert run("--limit", "1").exit_code == 0
    smaller = EngineSettings(kv_type="q8_0")
    monkeypatch.setattr("edge_agent.cli.eval_setup.loading_settings", lambda *_: smaller)
    assert (run("--limit", "2").exit_code, cache()) == (0, "f16")  # loaded as it was before
    assert (run("--limit", "1", "--again").exit_code, cache()) == (0, "q8_0")
    served = "edge_agent.cli.eval_setup.reached"
    monkeypatch.setattr(served, lambda model: replace(model, name=model.name or "first"))
    assert run("--as", "closed-book", "-m", "http://127.0.0.1:1/v1", "--again").exit_code == 0
    assert "server (" in said(run("--as", "closed-book", "-m", "http://127.0.0.1:2/v1#first"))
    monkeypatch.setattr(served, lambda model: replace(model, name="second"))
    refused = said(run("--as", "closed-book", "-m", "http://127.0.0.1:1/v1"))
    assert "model (first, now second)" in refused


def test_a_curve_on_the_page_is_over_the_questions_that_all_points_have(
    run: Callable[..., Result], model: Model, tmp_path: Path
) -> None:
    assert run("--name", "one", "--max-calls", "1", "--limit", "1").exit_code == 0
    assert run("--name", "two", "--max-calls", "2", "--limit", "2").exit_code == 0
    html = tmp_path / "report.html"
    assert call("report", "--html", html).exit_code == 0
    assert ", 1 questions" in html.read_text("utf-8")


def test_what_a_condition_does_not_use_of_a_profile_is_no_difference(
    run: Callable[..., Result], model: Model, tmp_path: Path
) -> None:
    profile = tmp_path / "own.toml"

    def with_named(documents: int, condition: str) -> Result:
        profile.write_text(f'based_on = "edge"\nname = "own"\n[gathering]\nnamed = {documents}\n')
        return run("--profile", profile, "--as", condition, "--name", condition)

    for condition in ("single-shot", "agent"):
        assert with_named(2, condition).exit_code == 0
    asked = len(model.asked)
    assert with_named(0, "single-shot").exit_code == 0  # it never shows named documents
    assert "profile_sha256" in said(with_named(0, "agent"))
    assert len(model.asked) == asked


def test_several_conditions_stand_side_by_side(run: Callable[..., Result]) -> None:
    result = run("--as", "closed-book, single-shot,agent", "--json", "--max-calls", "2")
    record = json.loads(result.stdout)
    names = [each["evaluation"] for each in record["evaluations"]]
    assert names == ["e-closed-book", "e-single-shot", "e-agent"]
    assert [each["calls"] for each in record["evaluations"]] == [0.0, 1.0, 1.0]
    assert [each["max_calls"] for each in record["evaluations"]] == [None, None, 2]
    compared = call("compare", "e-closed-book", "e-single-shot")
    assert compared.exit_code == 0
    assert "e-single-shot over e-closed-book" in compared.stdout
    assert "differ in: condition (closed-book, now single-shot); profile" in compared.stdout
    assert "got right, and p, go by exact match" in compared.stdout
    differences = json.loads(call("compare", "e-closed-book", "e-agent", "--json").stdout)
    assert differences["right_by"] == "em"
    assert differences["settings"][:2] == [
        "condition (closed-book, now agent)",
        "max_calls (None, now 2)",
    ]
    assert [each["group"] for each in differences["differences"]] == [
        "all",
        "single",
        "unanswerable",
    ]
    by_calls = call("compare", "e-closed-book", "e-agent", "--by", "calls")
    assert by_calls.exit_code == 0
    unanswerable = differences["differences"][2]
    assert (unanswerable["only_first"], unanswerable["only_second"]) == (0, 1)


def test_a_curve_is_a_table_a_plot_and_a_picture(
    run: Callable[..., Result], ships: Path, smollm2: Path, model: Model, tmp_path: Path
) -> None:
    options = ["curve", ships, "--offline", "-m", smollm2, "--calls", "8,2,4"]
    svg = tmp_path / "curve.svg"
    result = call(*options, "--svg", svg)
    assert result.exit_code == 0, said(result)
    assert "F1 against calls allowed" in result.stdout
    assert "●" in result.stdout
    assert len(model.asked) == 3  # one call was made each, so that all else is the same
    picture = ElementTree.fromstring(svg.read_text("utf-8"))
    texts = [element.text for element in picture.iter() if element.text]
    assert {"2", "4", "8", "F1", "evidence found", "tool calls allowed"} <= set(texts)
    points = json.loads(call(*options, "--json").stdout)["points"]
    assert [(each["max_calls"], each["taken_over"]) for each in points] == [(2, 3), (4, 3), (8, 0)]
    assert len(model.asked) == 3
    same = call("run", ships, "--offline", "-m", smollm2, "--max-calls", "4", "--json")
    assert json.loads(same.stdout)["rows"] == points[1]["rows"]
    assert len(model.asked) == 3


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [v or "" for name, v in attributes if name in ("src", "href", "data")]


def test_a_report_is_a_table_and_a_page_that_needs_nothing(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    assert run("--as", "closed-book,single-shot").exit_code == 0
    html = tmp_path / "report.html"
    result = call("report", "--html", html)
    assert result.exit_code == 0
    assert "e-single-shot" in result.stdout
    assert "e-single-shot, by kind of question" in result.stdout
    assert "unanswerable" in result.stdout
    assert "by evidence found" not in result.stdout
    assert "by evidence found" in call("report", "--by", "end, evidence").stdout
    text = html.read_text("utf-8")
    page = _Page()
    page.feed(text)
    assert {"table", "svg"} <= page.tags
    assert not {"script", "img", "link"} & page.tags
    assert page.addresses == []
    assert "e-single-shot, by evidence found" in text
    assert "default-src 'none'" in text
    records = json.loads(call("report", "e-closed-book", "--json").stdout)["evaluations"]
    assert [each["condition"] for each in records] == ["closed-book"]


def test_the_run_of_a_question_can_be_looked_at(run: Callable[..., Result], tmp_path: Path) -> None:
    assert run("--limit", "1").exit_code == 0
    shown = call("trace", "e", "q1")
    assert "Where was Colin Archer born?" in shown.stdout
    assert call("trace", "e", "q1", "--format", "html", "-o", tmp_path / "run.html").exit_code == 0
    assert (tmp_path / "run.html").exists()
    assert "has no question 'q7'" in said(call("trace", "e", "q7"))


def test_evaluations_are_removed_when_that_is_confirmed(run: Callable[..., Result]) -> None:
    run("--limit", "1")
    assert call("remove", "e").exit_code == 2
    assert call("remove", "e", "--yes").exit_code == 0
    assert "No evaluations yet" in call("list").stdout
    assert "nothing to report" in said(call("report"))


def test_an_evaluation_of_another_version_is_told_and_removed(run: Callable[..., Result]) -> None:
    run("--limit", "1")
    with closing(sqlite3.connect(Home.from_environment().evaluations)) as other, other:
        other.execute("update evaluations set settings = json_set(settings, '$.mood', 'fine')")
    listed = call("list")
    assert listed.exit_code == 0
    assert "The evaluation e was stored by another version" in said(listed)
    assert "The evaluation e was stored by another version" in said(call("report"))
    assert "No evaluations yet" not in listed.stdout
    assert "cannot be understood" in said(run("--limit", "1"))
    assert run("--limit", "1", "--again").exit_code == 0
    assert "e: 1 answers" in said(call("remove", "e"))
    assert call("remove", "e", "--yes").exit_code == 0


def test_the_sample_has_questions_of_its_own(home: Path, smollm2: Path, model: Model) -> None:
    result = call("run", "sample", "--offline", "-m", smollm2, "--limit", "1", "--json")
    record = json.loads(result.stdout)
    assert (record["set"], record["library"]) == ("sample", "sample")


def test_evidence_that_the_libraries_lack_cannot_be_withheld(
    run: Callable[..., Result], model: Model, tmp_path: Path
) -> None:
    assert run("--as", "withheld", "--limit", "2").exit_code == 0
    asked = len(model.asked)
    other = tmp_path / "other"
    other.mkdir()
    (other / "boats.md").write_text("# Boats\n\nColin Archer was born in Larvik.\n")
    refused = run("--as", "withheld", "--name", "w", "-l", other)
    assert refused.exit_code == 1
    assert "evidence for the question 'q1' and 1 more" in said(refused)
    untold = run("--as", "withheld", "--name", "w", "--split", "train")
    assert "does not say which documents answer the question 't1'" in said(untold)
    assert len(model.asked) == asked


def test_evidence_that_is_withheld_only_in_part_is_told(
    run: Callable[..., Result], ships: Path
) -> None:
    partly = {**QUESTIONS[0], "gold": ["archer", "larvik"]}
    (ships / "questions.jsonl").write_text(json.dumps(partly))
    result = run("--as", "withheld")
    assert result.exit_code == 0
    assert "Questions whose evidence is withheld only in part: 1." in said(result)


def test_a_closed_book_needs_no_documents(tmp_path: Path, home: Path, smollm2: Path,
                                          model: Model) -> None:  # fmt: skip
    path = tmp_path / "bamboogle.csv"
    path.write_text("Question,Answer\nWhere was he born?,Larvik\n")
    options = ["run", path, "--offline", "-m", smollm2]
    needed = call(*options)
    assert needed.exit_code == 2
    assert "has no documents of its own" in said(needed)
    assert call(*options, "--as", "closed-book").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["run", "nowhere.jsonl"], 1, "There is no set of questions at nowhere.jsonl"),
        (["run", "{set}", "--format", "hle"], 1, "is not in the format hle"),
        (["run", "{set}", "--format", "x"], 2, "'x' is not one of"),
        (["run", "{set}", "-m", "no-such-model"], 1, "no-such-model"),
        (["run", "{set}", "-l", "no-such-library"], 1, "There is no library 'no-such-library'"),
        (["run", "{set}", "--profile", "no-such-profile"], 1, "There is no profile"),
        (["run", "{set}", "--as", "oracle"], 2, "choose from closed-book"),
        (["run", "{set}", "--as", ","], 2, "choose from closed-book"),
        (["run", "{set}", "--split", "test"], 1, "it has dev, train"),
        (["run", "{set}", "--judge", "nonsense"], 2, "is no address"),
        (["run", "{set}", "--judge", "http://example.org/v1"], 2, "judge on this machine"),
        (["judge", "e", "--judge", "http://127.0.0.1:1/v1"], 1, "no evaluation 'e'"),
        (["judge", "e"], 2, "--judge"),
        (["run", "{set}", "--judge", "http://127.0.0.1:1/v1#judge"], 1, "cannot be used"),
        (["run", "{set}", "--limit", "0"], 2, "--limit"),
        (["run", "{set}", "--jobs", "0"], 2, "--jobs"),
        (["curve", "{set}", "--calls", "1,x"], 2, "whole numbers"),
        (["curve", "{set}", "--calls", "0,1"], 2, "1 or more"),
        (["curve", "{set}", "--as", "single-shot"], 2, "single-shot"),
        (["report", "--by", "colour"], 2, "choose from kind, end, calls, evidence"),
        (["compare", "a", "b", "--by", "colour"], 2, "'colour' is not one of"),
        (["compare", "a", "b"], 1, "There is no evaluation 'a'"),
        (["report", "a"], 1, "There is no evaluation 'a'"),
    ],
)
def test_slips_are_told(
    ships: Path, smollm2: Path, model: Model, arguments: list[str], code: int, expected: str
) -> None:
    given = [str(ships) if each == "{set}" else each for each in arguments]
    if given[0] in ("run", "curve"):
        given += ["--offline"] if "-m" in given else ["--offline", "-m", str(smollm2)]
    result = call(*given)
    assert result.exit_code == code
    assert expected in said(result)
    assert model.opened == 0


def test_what_is_left_out_is_told(tmp_path: Path, home: Path, smollm2: Path, model: Model) -> None:
    lines = [
        {
            "task_id": "1",
            "Question": "Where?",
            "Level": 1,
            "Final answer": "Larvik",
            "file_name": "",
        },
        {
            "task_id": "2",
            "Question": "Where?",
            "Level": 1,
            "Final answer": "x",
            "file_name": "a.png",
        },
    ]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    result = call("run", tmp_path, "--as", "closed-book", "--offline", "-m", smollm2)
    assert result.exit_code == 0
    assert "Questions left out: 1 (they come with a file)." in said(result)


def test_a_judge_is_asked_with_a_key_of_its_own(
    run: Callable[..., Result], model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRO_EDGE_API_KEY", "the-model-s")
    monkeypatch.setenv(KEY_VARIABLE, "the-judge-s")
    with running(ScriptedServer()) as judge:
        judge.answer = lambda body: "Correct"
        result = run("--as", "closed-book", "--judge", judge.address, "--json")
    assert json.loads(result.stdout)["judged"] == pytest.approx(66.7)
    assert set(judge.keys) == {"Bearer the-judge-s"}


@pytest.fixture
def judge() -> Iterator[ScriptedServer]:
    with running(ScriptedServer()) as server:
        server.answer = lambda body: "Correct"
        yield server


def verdicts(result: Result) -> list[bool | None]:
    lines = Path(json.loads(result.stdout)["evaluations"][0]["rows"]).read_text("utf-8")
    return [json.loads(line)["judged"] for line in lines.splitlines()]


def test_answers_are_judged_that_were_made_before(
    run: Callable[..., Result], model: Model, judge: ScriptedServer
) -> None:
    run("--as", "closed-book")
    result = call("judge", "e", "--judge", judge.address, "--offline", "--json")
    assert result.exit_code == 0, said(result)
    assert verdicts(result) == [True, True, False]
    assert "judged 66.7" in said(result)
    assert len(judge.asked) == 2, "where none is right there is nothing to ask"

    # It is the evaluation that the judge's address would have made.
    again = run("--as", "closed-book", "--judge", judge.address, "--json")
    assert json.loads(again.stdout)["judged"] == pytest.approx(66.7)
    assert (len(model.asked), len(judge.asked)) == (3, 2)


def test_a_judge_that_fails_on_the_last_answer_is_told(
    run: Callable[..., Result], model: Model, judge: ScriptedServer
) -> None:
    judge.refuse = lambda body: Refusal(500, "out of order")
    options = ("--as", "closed-book", "--limit", "1", "--judge", judge.address)
    broken = run(*options)
    assert broken.exit_code == 1
    assert "out of order" in said(broken)
    command = f"miro-edge eval judge e --judge {judge.address}"
    hint = f"Answers of e without a clear verdict: 1. Have them judged with: {command}"
    assert "All answers are kept: 1." in said(broken)
    assert hint in said(broken)
    assert "same command" not in said(broken)
    again = run(*options, "--json")
    assert (again.exit_code, len(model.asked)) == (0, 1)
    assert hint in said(again)
    record = json.loads(again.stdout)
    assert (record["unclear"], record["unjudged"]) == (0, 1)
    lines = Path(record["rows"])
    assert "out of order" in json.loads(lines.read_text("utf-8"))["judge_failed"]
    judge.refuse = lambda body: None
    call("judge", "e", "--judge", judge.address)
    assert json.loads(lines.read_text("utf-8"))["judge_failed"] == ""


def test_a_judge_is_asked_as_the_set_has_it_before_and_afterwards(
    tmp_path: Path, home: Path, smollm2: Path, model: Model, judge: ScriptedServer
) -> None:
    (tmp_path / "gaia").mkdir()
    questions = tmp_path / "gaia" / "standardized_data.jsonl"
    task = {"task_id": "1", "task_question": "Where?", "ground_truth": "Larvik"}
    questions.write_text(json.dumps(task))
    common = (questions, "--as", "closed-book", "--offline", "-m", smollm2, "--name")
    call("run", *common, "during", "--judge", judge.address)
    call("run", *common, "afterwards")
    assert call("judge", "afterwards", "--judge", judge.address).exit_code == 0
    during, afterwards = (each["messages"] for each in judge.asked)
    assert during == afterwards
    assert "the same name, number or list" in str(during)


def test_a_judge_that_fails_is_asked_again_about_the_rest(
    run: Callable[..., Result], model: Model, judge: ScriptedServer
) -> None:
    run("--as", "closed-book")
    judge.refuse = lambda body: Refusal(500, "out of order") if len(judge.asked) > 1 else None
    broken = call("judge", "e", "--judge", judge.address, "--json")
    assert broken.exit_code == 1
    assert "out of order" in said(broken)
    judge.refuse = lambda body: None
    asked = len(judge.asked)
    result = call("judge", "e", "--judge", judge.address, "--json")
    assert verdicts(result) == [True, True, False]
    assert len(judge.asked) == asked + 1


@pytest.mark.parametrize(("judging", "left"), [(True, 20), (False, 40)])
def test_the_time_left_is_that_of_what_takes_time(
    judging: bool, left: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = count(0, 10)
    monkeypatch.setattr("edge_agent.cli.evaluation_progress.time.monotonic", lambda: next(clock))
    with evaluation_progress(4, {"e": []}, judging=judging) as report:
        report("e", row("a"))
        report("e", row("b", taken_from="f"))
    assert f"e: 2 of 4, EM 100.0 F1 100.0, {left} s left" in capsys.readouterr().err


def test_it_is_told_of_how_many_answers_a_judge_has_not_been_asked(
    run: Callable[..., Result], model: Model, judge: ScriptedServer, tmp_path: Path
) -> None:
    run("--as", "closed-book")
    judge.refuse = lambda body: Refusal(500, "out of order")
    assert call("judge", "e", "--judge", judge.address).exit_code == 1
    assert "unjudged" in call("report").stdout
    html = tmp_path / "report.html"
    records = json.loads(call("report", "--json", "--html", html).stdout)["evaluations"]
    assert [each["unjudged"] for each in records] == [3]
    assert "not judged yet" in html.read_text("utf-8")
    judge.refuse = lambda body: None
    told = said(run("--as", "closed-book", "--judge", judge.address))
    hint = f"miro-edge eval judge e --judge {judge.address}"
    assert f"Answers of e without a clear verdict: 3. Have them judged with: {hint}" in told
    call("judge", "e", "--judge", judge.address)
    assert "unjudged" not in call("report").stdout


def test_an_unclear_verdict_is_asked_for_again(
    run: Callable[..., Result], model: Model, judge: ScriptedServer
) -> None:
    judge.answer = lambda body: "Hm."
    unclear = run("--as", "closed-book", "--judge", judge.address, "--json")
    assert json.loads(unclear.stdout)["unclear"] == 2
    judge.answer = lambda body: "Incorrect"
    result = call("judge", "e", "--judge", judge.address, "--json")
    assert verdicts(result) == [False, False, False]


def test_verdicts_of_two_judges_never_stand_together(
    run: Callable[..., Result], model: Model, judge: ScriptedServer
) -> None:
    run("--as", "closed-book", "--judge", judge.address)
    with running(ScriptedServer()) as other:
        other.answer = lambda body: "Incorrect"
        refused = call("judge", "e", "--judge", other.address)
        assert refused.exit_code == 1
        assert f"was judged by {judge.address}" in said(refused)
        result = call("judge", "e", "--judge", other.address, "--again", "--json")
    assert verdicts(result) == [False, False, False]


def test_who_wants_a_judge_for_what_is_made_already_is_told_how(
    run: Callable[..., Result], model: Model, judge: ScriptedServer
) -> None:
    run("--as", "closed-book")
    refused = run("--as", "closed-book", "--judge", judge.address)
    assert refused.exit_code == 1
    assert f"miro-edge eval judge e --judge {judge.address}" in said(refused)
    differs = run("--as", "closed-book", "--judge", judge.address, "--seed", "7")
    assert "eval judge" not in said(differs)


def test_every_split_can_be_asked_at_once(run: Callable[..., Result], model: Model) -> None:
    result = run("--split", "all", "--as", "closed-book", "--json")
    assert (json.loads(result.stdout)["n"], len(model.asked)) == (4, 4)
