"""What an outside peer says becomes a row like ours; here a script speaks in its place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from outside_peer import Inquiry, Peer, asked

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.rows import Row, scored
from edge_agent.events import RunStarted, ToolCalled
from edge_agent.index import Collection, Library
from edge_agent.traces import FORMATS, export

QUESTION = Question("q1", "Who designed the Fram?", ("Colin Archer",), frozenset({"fram.md"}))
SCRIPT = """
import json, sys
asked = json.loads(sys.stdin.readline())
if "Fram" in asked["question"] and len(sys.argv) > 1:
    sys.exit("out of memory")
print(json.dumps({"search": "designer of the Fram"}), flush=True)
found = json.loads(sys.stdin.readline())["text"]
answer = "Colin Archer" if "Archer" in found else None
print(json.dumps({"answer": answer, "steps": 3, "unreadable": 1, "limit": True, "prompt": 90,
                  "generated": 9, "error": ""}), flush=True)
"""


@pytest.fixture
def ships(tmp_path: Path) -> Iterator[Collection]:
    document = tmp_path / "fram.md"
    document.write_text("The Fram was designed by Colin Archer.", encoding="utf-8")
    library = Library(tmp_path / "ships")
    library.add([document])
    yield Collection([library])
    library.close()


def answered(ships: Collection, *arguments: str) -> Row:
    started = RunStarted("r", QUESTION.text, "tiny", "ships", "smolagents", 0, 4)
    peer = Peer([sys.executable, "-c", SCRIPT, *arguments])
    try:
        events = asked(peer, Inquiry(QUESTION, ships, started))
    finally:
        peer.end()
    assert all(isinstance(export(form, events), str) for form in FORMATS)
    row = scored(QUESTION, events)
    assert row.calls == sum(isinstance(event, ToolCalled) for event in events)
    return row


def test_an_answer_its_evidence_and_what_it_took(ships: Collection) -> None:
    row = answered(ships)
    assert (row.status, row.answer, row.em, row.calls) == ("answered", "Colin Archer", True, 1)
    assert (row.tokens.prompt, row.tokens.generated) == (90, 9)
    assert row.reason == "call limit; 1 of 3 messages were no call"


def test_a_peer_that_dies_is_wrong_and_no_abstention(ships: Collection) -> None:
    row = answered(ships, "dying")
    assert (row.status, row.answer, row.f1, row.abstained) == ("failed", None, 0.0, False)
    assert "process ended" in row.reason
