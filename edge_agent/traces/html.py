"""A run as one HTML file that needs nothing else: answer, window, timeline, evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from edge_agent.events import Event, RunFinished, SpanCut, StepMeasured
from edge_agent.traces.account import Account, account
from edge_agent.traces.lines import said, shown

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
.answer { font-size: 1.3rem; font-weight: 600; }
.supported::before { content: "\\2713  "; } .doubtful::before { content: "?  "; }
blockquote, pre { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; }
table { border-collapse: collapse; width: 100%; } td, th { border: 1px solid; padding: .3rem;
  text-align: left; vertical-align: top; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; } svg text { font-size: 10px; fill: currentColor; }
"""
_WIDTH, _HEIGHT, _LEFT = 600, 160, 40
"""Size of the picture, and what its labels take, in its own units."""


def html(events: Sequence[Event], _times: Sequence[float]) -> str:
    """Return the page. What documents and the model wrote can only be text in it."""
    run = account(events)
    body = [
        f"<h1>{_text(run.started.question)}</h1>",
        *_answer(run),
        *_picture(run),
        "<h2>Steps</h2>",
        *_steps(run),
        *_evidence(run),
    ]
    title = _text(run.started.question[:80])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    return escape(shown(text))


def _answer(run: Account) -> Iterator[str]:
    done = run.finished
    if done is None:
        yield '<p class="answer">This run has not ended.</p>'
        return
    yield f'<p class="answer">{_text(done.answer or "Not found in this library.")}</p>'
    yield (
        f"<p>{_text(done.status)} ({_text(done.reason)}): {done.calls} calls, "
        f"{done.seconds:.1f} s, {done.tokens.prompt} tokens read, {done.tokens.generated} written; "
        f"{_text(run.started.model)} over {_text(run.started.library)}</p>"
    )
    for citation in done.citations:
        known = "supported" if citation.supported else "doubtful"
        where = _text(f"{citation.title} ({citation.source}, {citation.place})")
        yield f'<p class="{known}"><a href="#e{citation.key}">[{citation.key}]</a> {where}</p>'
        yield f"<blockquote>{_text(citation.quote)}</blockquote>"
    yield from _claims(done)


def _claims(done: RunFinished) -> Iterator[str]:
    if len(done.claims) < 2:
        return
    yield "<h2>Claims</h2><ul>"
    for claim in done.claims:
        keys = " ".join(f'<a href="#e{key}">[{key}]</a>' for key in claim.keys)
        yield f"<li>{_text(claim.text)} {keys or '(not supported)'}</li>"
    yield "</ul>"


def _picture(run: Account) -> Iterator[str]:
    """Draw how full the window was after each step, with a mark where spans were cut."""
    steps = run.measured
    if not steps:
        return
    cut = {event.step for step in run.steps for event in step.events if isinstance(event, SpanCut)}
    full = max(step.context for step in steps) or 1
    places = [_place(number, len(steps), step, full) for number, step in enumerate(steps)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    peak = max(step.window for step in steps)
    label = f"Tokens in the window over {len(steps)} steps: at most {peak} of {full}"
    yield f"<h2>Window</h2><p>{label}; {len(cut)} steps in which spans left it.</p>"
    yield f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 20}" role="img" aria-label="{label}">'
    yield f'<text x="0" y="10">{full}</text><text x="0" y="{_HEIGHT}">0</text>'
    yield f'<text x="{_LEFT}" y="{_HEIGHT + 15}">step {steps[0].step}</text>'
    yield f'<text x="{_WIDTH - 60}" y="{_HEIGHT + 15}">step {steps[-1].step}</text>'
    yield f'<polyline points="{line}" fill="none" stroke="currentColor"/>'
    for (x, y), step in zip(places, steps, strict=True):
        if step.step in cut:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="currentColor"/>'
    yield "</svg>"


def _place(number: int, count: int, step: StepMeasured, full: int) -> tuple[float, float]:
    across = _LEFT + (_WIDTH - _LEFT) * number / max(1, count - 1)
    return across, _HEIGHT * (1 - step.window / full)


def _steps(run: Account) -> Iterator[str]:
    for step in run.steps:
        parts = list(said(step))
        if not parts:
            continue
        heads = [text for title, text in parts if title not in ("result", "window")]
        summary = _text(" · ".join(head.partition("\n")[0] for head in heads)[:160])
        yield f"<details><summary>{step.number}. {summary}</summary>"
        yield from (f"<p>{_text(title)}</p><pre>{escape(text)}</pre>" for title, text in parts)
        yield "</details>"


def _evidence(run: Account) -> Iterator[str]:
    if not run.evidence:
        return
    cited = {each.key: each.supported for each in run.finished.citations} if run.finished else {}
    verdicts = {True: "supports", False: "cited", None: ""}
    yield "<h2>Evidence</h2><table><tr><th>key</th><th>passage</th><th>verdict</th></tr>"
    for each in run.evidence:
        yield (
            f'<tr id="e{each.key}"><td>[{each.key}]</td>'
            f"<td>{_text(f'{each.title} ({each.source}, {each.place})')}<br>{_text(each.text)}</td>"
            f"<td>{verdicts[cited.get(each.key)]}</td></tr>"
        )
    yield "</table>"
