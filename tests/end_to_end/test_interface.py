"""The terminal interface with the default model over the sample library, as a person uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_app import answered, ask, labels, leave_line, page, press, reads, shown
from waiting import until

from edge_agent.config import AskSettings, Config, save_config
from edge_agent.events import RunFinished
from edge_agent.home import Home
from edge_agent.runs import RunStore
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.evidence_list import EvidenceList

pytestmark = pytest.mark.slow


async def test_a_question_is_answered_and_its_source_followed(home_with_models: Path) -> None:
    home = Home(home_with_models)
    save_config(Config(ask=AskSettings(offline=True)), home.config)
    app = MiroEdge(home)
    async with shown(app):
        await ask(app, "On what date was the Pontcysyllte Aqueduct opened?")
        await until(lambda: not app.research.running, seconds=300)
        assert "26 November 1805" in page(app)
        assert "supports the answer" in page(app)
        assert labels(app)[0].startswith("1 search: On what date")
        assert labels(app)[-1] == "End"
        finished = app.store.events(app.store.list()[0].id)[-1]
        assert isinstance(finished, RunFinished)
        citation = finished.citations[0]
        await leave_line(app)
        await press(app, "e")
        await until(lambda: app.focused is app.research.query_one("#evidence"))
        app.research.query_one(EvidenceList).point_at(citation.key)
        await press(app, "enter")
        await reads(app, f"### \\[{citation.key}\\]")
        assert "1805" in page(app)

        await ask(app, "In which city was the engineer born who conceived the Great Eastern?")
        await until(lambda: len(labels(app)) >= 2, seconds=300)
        await leave_line(app)
        await press(app, "x")
        await answered(app)
    app.close()
    assert [run.status for run in RunStore(home.runs).list()] == ["interrupted", "answered"]
