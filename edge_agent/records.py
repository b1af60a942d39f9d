"""What machines are told: a finished run as one object, a passage that was found as another."""

from __future__ import annotations

import dataclasses
from typing import Any

from edge_agent.events import RunFinished, RunStarted
from edge_agent.index import Hit, Passage
from edge_agent.runs import RunSummary


def answer_record(run: RunSummary | RunStarted, finished: RunFinished) -> dict[str, Any]:
    """Return what `ask --json` prints of a run, as the README says under Asking."""
    return {
        "question": run.question,
        "status": finished.status,
        "reason": finished.reason,
        "answer": finished.answer,
        "citations": [dataclasses.asdict(citation) for citation in finished.citations],
        "claims": [
            {"text": claim.text, "keys": claim.keys, "supported": claim.supported}
            for claim in finished.claims
        ],
        "calls": finished.calls,
        "seconds": finished.seconds,
        "tokens": dataclasses.asdict(finished.tokens),
        "model": run.model,
        "library": run.library,
        "run": finished.run,
    }


def passage_record(passage: Passage) -> dict[str, Any]:
    """Return what tells a passage, and where it stands."""
    return {
        "passage": passage.id,
        "document": passage.document,
        "title": passage.title,
        "source": passage.source,
        "place": passage.place,
        "text": passage.text,
    }


def hit_record(hit: Hit) -> dict[str, Any]:
    """Return what `index search --json` prints of a passage that was found."""
    return {**passage_record(hit.passage), "score": round(hit.score, 4)}
