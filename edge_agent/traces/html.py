"""A run as one HTML file that needs nothing else: answer, window, steps, evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from edge_agent.events import Citation, Claim, Event, EvidenceAdded, SpanCut, StepMeasured
from edge_agent.showing import shown
from edge_agent.traces.account import Account, Step, account, stamp
from edge_agent.traces.lines import said

_STYLE = """
:root { color-scheme: light dark; --text: #1b1b1b; --page: #fff; --rule: #999; --link: #0645ad; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --page: #161616; --rule: #777; --link: #8ab4f8; }
}
body { color: var(--text); background: var(--page); font: 16px/1.5 system-ui, sans-serif;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
a { color: var(--link); } :target { outline: 3px solid var(--link); }
.answer { font-size: 1.3rem; font-weight: 600; }
h1, .answer, blockquote, dd, td { overflow-wrap: anywhere; unicode-bidi: plaintext; }
blockquote, dd, .passage { white-space: pre-wrap; }
dt { font-weight: 600; } details { border-top: 1px solid var(--rule); padding: .3rem 0; }
table { border-collapse: collapse; width: 100%; }
td, th { border: 1px solid var(--rule); padding: .3rem; text-align: left; vertical-align: top; }
svg { width: 100%; height: auto; } svg text { font-size: 10px; fill: currentColor; }
"""
# Nothing in the page is loaded or run; should anything slip in, the browser is told so too.
_HEAD = (
    '<meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
_WIDTH, _HEIGHT, _LEFT, _TOP = 600, 160, 50, 20
"""Size of the plot, and what the labels beside and above it take, in the picture's own units."""
_KEY = re.compile(r"\[(\d{1,6})\]")
_BESIDES = ("result", "call failed", "on the web", "model is told", "note", "cut", "cost")
"""What the one line about a step leaves out."""
_LINE = 200
"""Most characters of that line."""


def html(events: Sequence[Event], times: Sequence[float]) -> str:
    """Return the page. What documents and the model wrote can only be text in it."""
    run = account(events)
    body = [
        f"<h1>{_text(run.started.question)}</h1>",
        *_answer(run, times),
        *_picture(run),
        "<h2>Steps</h2>",
        *_steps(run.steps),
        *_evidence(run),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>{_HEAD}'
        f"<title>{_text(run.started.question[:80])}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    return escape(shown(text))


def _apart(text: str) -> str:
    """Return text whose reading direction leaves that of its neighbours alone."""
    return f"<bdi>{_text(text)}</bdi>"


# The answer


def _answer(run: Account, times: Sequence[float]) -> Iterator[str]:
    keys = _known_keys(run)
    yield f'<p class="answer">{_linked(run.verdict, keys)}</p>'
    yield f"<p>{_figures(run, times)}</p>"
    if run.finished is None:
        return
    if run.finished.citations:
        yield "<h2>Sources</h2><ul>"
        yield from (_source(citation, keys) for citation in run.finished.citations)
        yield "</ul>"
    if run.finished.claims:
        yield "<h2>Claims</h2><ul>"
        yield from (_verdict(claim, keys) for claim in run.finished.claims)
        yield "</ul>"


def _figures(run: Account, times: Sequence[float]) -> str:
    started, done = run.started, run.finished
    over = f"{_apart(started.library)}{', then the web' if started.web else ''}"
    parts = [f"{_apart(started.model)} over {over}, run {_apart(started.run)}"]
    if times:
        parts.append(f"begun {stamp(times[0])} UTC")
    if done is not None:
        parts.append(f"{_apart(done.status)} ({_apart(done.reason)})")
        parts.append(f"{done.calls} calls, {done.seconds:.1f} s")
        parts.append(f"{done.tokens.prompt} tokens read, {done.tokens.generated} written")
    return "; ".join(parts)


def _source(citation: Citation, keys: frozenset[int]) -> str:
    verdict = "supports the answer" if citation.supported else "does not state it by itself"
    return (
        f"<li>{_link(citation.key, keys)} {_apart(citation.title)} ({_where(citation)}), {verdict}"
        f"<blockquote>{_text(citation.quote)}</blockquote></li>"
    )


def _where(found: Citation | EvidenceAdded) -> str:
    """Return where a passage stands; an address is told, not linked: a click would be a visit."""
    origin = "on the web: " if found.is_from_the_web else ""
    place = f", {_apart(found.place)}" if found.place else ""
    return f"{origin}{_apart(found.source)}{place}"


def _verdict(claim: Claim, keys: frozenset[int]) -> str:
    links = ", ".join(_link(key, keys) for key in claim.keys)
    return f"<li>{_apart(claim.text)}: supported by {links or 'nothing'}</li>"


def _known_keys(run: Account) -> frozenset[int]:
    return frozenset(each.key for each in run.evidence)


def _link(key: int, keys: frozenset[int]) -> str:
    return f'<a href="#e{key}">[{key}]</a>' if key in keys else f"[{key}]"


def _linked(text: str, keys: frozenset[int]) -> str:
    """Return text in which the keys of passages lead to them."""
    return _KEY.sub(lambda found: _link(int(found[1]), keys), _text(text))


# The window


def _picture(run: Account) -> Iterator[str]:
    """Draw how full the window was after each step, with a mark where spans were cut."""
    measured = run.measured
    if not measured:
        return
    cut = {event.step for step in run.steps for event in step.events if isinstance(event, SpanCut)}
    full = max(1, *(each.context for each in measured))
    peak = max(each.window for each in measured)
    label = f"Tokens in the window after each of {len(measured)} steps: at most {peak} of {full}."
    places = [_place(number, len(measured), each, full) for number, each in enumerate(measured)]
    marked = [place for place, each in zip(places, measured, strict=True) if each.step in cut]
    yield "<h2>Window</h2>"
    yield f'<svg viewBox="0 0 {_LEFT + _WIDTH + 10} {_TOP + _HEIGHT + 30}" role="img" '
    yield f'aria-label="{label}">'
    yield from _axes(full, measured[0].step, measured[-1].step)
    yield from _curve(places, marked)
    yield "</svg>"
    yield f"<p>{label} Circles: steps in which spans were cut to make room ({len(marked)}).</p>"


def _place(number: int, count: int, measured: StepMeasured, full: int) -> tuple[float, float]:
    across = _LEFT + _WIDTH * number / max(1, count - 1)
    return across, _TOP + _HEIGHT * (1 - min(measured.window, full) / full)


def _axes(full: int, first: int, last: int) -> Iterator[str]:
    bottom, right, beside = _TOP + _HEIGHT, _LEFT + _WIDTH, _LEFT - 5
    yield (
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}M{_LEFT} {_TOP}H{right}" '
        'fill="none" stroke="currentColor" stroke-opacity="0.4"/>'
    )
    yield f'<text x="{_LEFT}" y="{_TOP - 8}">tokens in the window</text>'
    yield f'<text x="{beside}" y="{_TOP + 4}" text-anchor="end">{full}</text>'
    yield f'<text x="{beside}" y="{bottom}" text-anchor="end">0</text>'
    yield f'<text x="{_LEFT}" y="{bottom + 15}">{first}</text>'
    yield f'<text x="{(_LEFT + right) / 2}" y="{bottom + 15}" text-anchor="middle">step</text>'
    yield f'<text x="{right}" y="{bottom + 15}" text-anchor="end">{last}</text>'


def _curve(
    places: Sequence[tuple[float, float]], marked: Iterable[tuple[float, float]]
) -> Iterator[str]:
    # The last point stands there twice: a single one would not be drawn.
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*places, places[-1]])
    yield (
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="2" '
        'stroke-linecap="round"/>'
    )
    for x, y in marked:
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="none" stroke="currentColor" '
            'stroke-width="2"/>'
        )


# Steps and evidence


def _steps(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        parts = list(said(step))
        if not parts:
            continue
        yield f"<details><summary>{_summary(step, parts)}</summary><dl>"
        yield from (f"<dt>{_text(title)}</dt><dd>{_text(text)}</dd>" for title, text in parts)
        yield "</dl></details>"


def _summary(step: Step, parts: Sequence[tuple[str, str]]) -> str:
    heads = (f"{title}: {' '.join(text.split())}" for title, text in parts if title not in _BESIDES)
    line = " · ".join(heads)
    short = line if len(line) <= _LINE else f"{line[:_LINE]}…"
    cuts = sum(isinstance(event, SpanCut) for event in step.events)
    after = f" · {cuts} cut" if cuts else ""
    return f"{step.title} {_apart(short)}{after}"


def _evidence(run: Account) -> Iterator[str]:
    if not run.evidence:
        return
    verdicts = _verdicts(run)
    yield "<h2>Evidence</h2><table><thead><tr>"
    yield from (
        f'<th scope="col">{name}</th>' for name in ("key", "title", "place", "text", "verdict")
    )
    yield "</tr></thead><tbody>"
    for each in run.evidence:
        yield (
            f'<tr id="e{each.key}"><td>[{each.key}]</td><td>{_text(each.title)}</td>'
            f'<td>{_where(each)}</td><td class="passage">{_text(each.text)}</td>'
            f"<td>{verdicts.get(each.key, 'not cited')}</td></tr>"
        )
    yield "</tbody></table>"


def _verdicts(run: Account) -> dict[int, str]:
    """Return what became of the passages that the answer cites, by key."""
    if run.finished is None:
        return {}
    bearing = {key for claim in run.finished.claims for key in claim.keys}
    return {
        citation.key: "supports the answer"
        if citation.supported or citation.key in bearing
        else "cited, does not state it by itself"
        for citation in run.finished.citations
    }
