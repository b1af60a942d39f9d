"""A run as a report in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from edge_agent.events import Event, RunFinished
from edge_agent.traces.account import account
from edge_agent.traces.lines import said, shown

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~])")


def markdown(events: Sequence[Event], _times: Sequence[float]) -> str:
    """Return question, answer, sources, claims, steps and figures."""
    run = account(events)
    lines = [f"# {_plain(run.started.question)}", ""]
    if run.finished is None:
        lines += ["This run has not ended.", ""]
    else:
        lines += [*_answer(run.finished), ""]
    lines += ["## Steps", ""]
    for step in run.steps:
        parts = list(said(step))
        if parts:
            lines += [f"### {step.number}", ""]
            lines += [f"- **{title}**: {_plain(text)}" for title, text in parts]
            lines.append("")
    lines += ["## Run", "", f"- {_plain(run.started.model)} over {_plain(run.started.library)}"]
    lines.append(f"- run {run.started.run}, profile {_plain(run.started.profile)}")
    if run.finished is not None:
        done = run.finished
        lines.append(
            f"- {done.calls} calls, {done.seconds:.1f} s, {done.tokens.prompt} tokens read"
        )
        lines.append(f"- ended: {_plain(done.reason)}")
    return "\n".join(lines) + "\n"


def _answer(done: RunFinished) -> Iterator[str]:
    yield f"**{_plain(done.answer or 'Not found in this library.')}** ({done.status})"
    if done.citations:
        yield "\n## Sources\n"
    for citation in done.citations:
        place = f", {_plain(citation.place)}" if citation.place else ""
        doubt = "" if citation.supported else " (does not state it by itself)"
        where = f"{_plain(citation.title)} ({_plain(citation.source)}{place})"
        yield f"- [{citation.key}] {where}{doubt}"
        yield f"  > {_plain(citation.quote)}"
    if len(done.claims) > 1:
        yield "\n## Claims\n"
        for claim in done.claims:
            keys = " ".join(f"[{key}]" for key in claim.keys) or "not supported"
            yield f"- {_plain(claim.text)}: {keys}"


def _plain(text: str) -> str:
    """Return text in one line that Markdown takes for text."""
    return _MARKS.sub(r"\\\1", " ".join(shown(text).split()))
