"""A run as a report in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from edge_agent.events import Citation, Claim, Event
from edge_agent.showing import in_one_line
from edge_agent.traces.account import Account, account, stamp
from edge_agent.traces.lines import keys_of, said

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_BEGINNINGS = re.compile(r"^(\d*)([-+=.)])")
"""What makes a list, a rule or a heading of a line that begins with it."""


def markdown(events: Sequence[Event], times: Sequence[float]) -> str:
    """Return question, answer, sources, claims, steps and figures."""
    run = account(events)
    lines = [f"# {plain(run.started.question)}", "", *_answer(run), ""]
    lines += ["## Steps", "", *_steps(run)]
    lines += ["## Figures", "", *_figures(run, times)]
    return "\n".join(lines) + "\n"


def _answer(run: Account) -> Iterator[str]:
    yield f"**{plain(run.verdict)}** ({plain(run.status)})"
    if run.finished is None:
        return
    if run.finished.citations:
        yield "\n## Sources\n"
        for citation in run.finished.citations:
            yield from source(citation)
    if run.finished.claims:
        yield "\n## Claims\n"
        yield from map(_verdict, run.finished.claims)


def source(citation: Citation) -> Iterator[str]:
    """Yield the lines of a list item that names the source of a citation, and quotes it."""
    place = f", {plain(citation.place)}" if citation.place else ""
    doubt = "" if citation.supported else " (does not state it by itself)"
    yield f"- [{citation.key}] {plain(citation.title)} ({plain(citation.source)}{place}){doubt}"
    yield f"  > {plain(citation.quote)}"


def _verdict(claim: Claim) -> str:
    verdict = f"supported by {keys_of(claim.keys)}" if claim.supported else "supported by nothing"
    return f"- {plain(claim.text)}: {verdict}"


def _steps(run: Account) -> Iterator[str]:
    for step in run.steps:
        parts = list(said(step))
        if parts:
            yield f"### {step.title}\n"
            yield from (f"- **{plain(title)}**: {_text(text)}" for title, text in parts)
            yield ""


def _figures(run: Account, times: Sequence[float]) -> Iterator[str]:
    started, done = run.started, run.finished
    yield f"- {plain(started.model)} over {plain(started.library)}"
    yield f"- run {plain(started.run)}, profile {plain(started.profile)}, seed {started.seed}"
    if started.parent:
        yield f"- forked from {plain(started.parent)} after step {started.parent_step}"
    if times:
        yield f"- begun {stamp(times[0])} UTC"
    if done is not None:
        yield f"- {done.calls} calls, {done.seconds:.1f} s"
        yield (
            f"- {done.tokens.prompt} tokens read, {done.tokens.new} of them new, "
            f"{done.tokens.generated} written"
        )
        yield f"- ended: {plain(done.reason)}"


def _text(text: str) -> str:
    """Return text of several lines as part of a list item that Markdown takes for text."""
    return "\\\n  ".join(filter(None, map(plain, text.splitlines())))


def plain(text: str) -> str:
    """Return text in one line that Markdown takes for text."""
    line = _MARKS.sub(r"\\\1", in_one_line(text))
    return _BEGINNINGS.sub(r"\1\\\2", line)
