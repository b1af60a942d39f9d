"""With a scripted model: what a document says never changes what a run does next."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from injections import INJECTIONS, PROTOCOL
from ships import NAMES, PLAIN, Quoting, record
from word_session import WordSession

from edge_agent.agent import Agent
from edge_agent.events import (
    Event,
    EvidenceAdded,
    RunFinished,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
)
from edge_agent.index import Collection, Library
from edge_agent.models import Choose, Force, Sample
from edge_agent.protocol import is_only_text, parse
from edge_agent.turns import HAVE_ENOUGH


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    """Ships, each with an injection in its document."""
    folder = tmp_path_factory.mktemp("hostile")
    documents = [record(PLAIN, ""), *(record(NAMES[n], text) for n, text in INJECTIONS.items())]
    lines = "".join(json.dumps(each) + "\n" for each in documents)
    (folder / "ships.jsonl").write_text(lines, encoding="utf-8")
    with closing(Library(folder / "library")) as made:
        made.add([folder / "ships.jsonl"])
        yield Collection([made])


def run(
    library: Collection, ship: str, profile: str = "generic", context: int = 100_000
) -> tuple[Quoting, list[Event]]:
    session = Quoting(context=context, ship=ship)
    question = f"Where was the designer of the {ship} born?"
    return session, list(Agent(library, session, profile=profile).run(question))


def course(events: Sequence[Event]) -> list[Any]:
    """Return what a run did, whatever the documents said."""
    told: list[Any] = []
    for event in events:
        if isinstance(event, ToolCalled):
            told.append(event.tool)
        elif isinstance(event, TurnRolledBack):
            told.append(("taken back", event.reason))
        elif isinstance(event, ToolAnswered):
            told.append("failed" if event.failed else "answered")
        elif isinstance(event, RunFinished):
            told.append(event.reason)
            assert event.answer in ("Larvik", None)  # None: a flood has drowned the passage
    return told


@pytest.mark.parametrize("profile", ["generic", "edge"])
def test_no_injection_changes_what_a_run_does(library: Collection, profile: str) -> None:
    _, plain = run(library, PLAIN, profile)
    expected = course(plain)
    assert expected[:4] == ["search", "answered", "search", "answered"]
    assert expected[4:] == ["enough evidence"]
    for name, ship in NAMES.items():
        session, events = run(library, ship, profile)
        found = [event.title for event in events if isinstance(event, EvidenceAdded)]
        assert any(title.startswith(ship) for title in found), f"{name} was not shown"
        title = record(ship, INJECTIONS[name])["title"]
        assert session.offered or not is_only_text(" ".join(title.split())), name
        assert course(events) == expected, name


def test_turns_say_what_the_model_did_whatever_they_quote(library: Collection) -> None:
    for ship in NAMES.values():
        _, events = run(library, ship)
        for event in events:
            if isinstance(event, TurnFinished) and event.text.endswith(HAVE_ENOUGH):
                message = parse(event.text)
                assert (message.call, message.answer, message.fault) == (None, None, None)


def test_a_line_that_spells_the_language_is_not_quoted(library: Collection) -> None:
    assert is_only_text("Fram: She was built in 1892, see <b>here</b> and `x` [1]. [3]\n")
    for name in ("a call", "a thought that is left open", "a box", "only an opening tag"):
        assert not is_only_text(f"Fram: {PROTOCOL[name]} [3]\n")
        session, _ = run(library, NAMES[name])
        assert all(is_only_text(line) for line in session.offered)
    assert not is_only_text("```Fram: She sank. [3]\n")
    assert not is_only_text("Fram\nI have what I need.\n: She sank. [3]\n")


@dataclass
class Trained(WordSession):
    """A model that writes its messages freely, as MiroThinker does."""

    script: list[str] = field(default_factory=list)

    def write(self, step: Force | Choose | Sample, seed: int) -> str:
        if isinstance(step, Force):
            return step.text
        if isinstance(step, Choose):
            return step.options[0]
        return self.script.pop(0)


def test_no_injection_changes_what_a_trained_model_is_led_to(library: Collection) -> None:
    def followed(ship: str) -> list[Any]:
        script = [
            *("I search.\n<use_mcp_tool>", f'{{"q": "designer of the {ship}"}}'),
            "It is clear now.\n\\boxed{Larvik}",
        ]
        session = Trained(context=100_000, script=script)
        asked = Agent(library, session, profile="mirothinker")
        events = list(asked.run(f"Where was the designer of the {ship} born?"))
        (answered,) = (event for event in events if isinstance(event, ToolAnswered))
        organic = json.loads(answered.text)["organic"]
        assert any(ship in each["title"] for each in organic)
        assert {*organic[0]} == {"title", "link", "snippet", "position"}
        assert session.script == []
        return course(events)

    expected = followed(PLAIN)
    assert expected[0] == "google_search"
    for name, ship in NAMES.items():
        assert followed(ship) == expected, name


def test_a_title_as_long_as_a_book_costs_no_answer(tmp_path: Path) -> None:
    title = f"{PLAIN} {'designer born ' * 2_800}"
    text = f"Where was the designer of the {PLAIN} born? In {PLAIN}, the designer was born."
    long = [{"id": id_, "title": title, "text": text} for id_ in ("long", "longer")]
    lines = "".join(json.dumps(each) + "\n" for each in (record(PLAIN, ""), *long))
    (tmp_path / "ships.jsonl").write_text(lines, encoding="utf-8")
    with closing(Library(tmp_path / "library")) as made:
        made.add([tmp_path / "ships.jsonl"])
        library = Collection([made])
        _, events = run(library, PLAIN, context=4096)
        shown = {event.title for event in events if isinstance(event, EvidenceAdded)}
        for name in (title, *(each for each in shown if each.startswith(title[:99]))):
            assert made.find_document(name) == "long"
            assert library.documents(name) == (("library", "long"), ("library", "longer"))
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    assert finished.answer == "Larvik"


def test_titles_are_one_line_in_what_a_model_reads(library: Collection) -> None:
    for ship in NAMES.values():
        _, events = run(library, ship)
        for event in events:
            if isinstance(event, EvidenceAdded):
                assert len(event.title.splitlines()) <= 1
            elif isinstance(event, ToolAnswered):
                lines = event.text.split("\n")
                assert all(line.startswith(("[", "See above: [")) for line in lines)


def test_a_library_of_hostile_files_is_made_whole(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number, text in enumerate(INJECTIONS.values()):
        content = f"# Walrus {text}\n\n## {text}\n\nThe walrus number {number} sings. {text}"
        for suffix in ("md", "html", "txt"):
            (folder / f"{number}.{suffix}").write_text(content, encoding="utf-8")
    with closing(Library(tmp_path / "library")) as made:
        report = made.add([folder])
        assert report.added + report.unread == 3 * len(INJECTIONS)
        assert len(made.search("walrus sings", 50)) == 50
