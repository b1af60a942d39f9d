"""Pages of Markdown for the reader: answers whose citations can be followed, passages, nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from edge_agent.events import Citation, Claim, RunFinished, RunStarted
from edge_agent.evidence import Exhibit
from edge_agent.index import Problem
from edge_agent.protocol import OPENING
from edge_agent.showing import shown
from edge_agent.traces.account import answer_in_words

from .evidence_list import VERDICTS
from .run_view import Card, verdict_on
from .trajectory_tree import Node

EVIDENCE = "evidence:"
"""How the address of a passage begins; its key follows."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&:])")
_KEY = re.compile(r"\\\[(\d{1,6})\\\]")


def escaped(text: str) -> str:
    """Return text of a model or a document so that Markdown shows it as it is."""
    return _SPECIAL.sub(r"\\\1", shown(text))


def linked(text: str) -> str:
    """Return text, escaped, in which the keys of passages can be followed."""
    return _KEY.sub(lambda found: _link(int(found[1])), escaped(text))


def welcome_page() -> str:
    """Return what is shown before anything was asked."""
    return (
        "Type a question below and press Enter. While it is worked on, a line that you type is "
        "said to the model before its next step.\n\nF1 lists the keys, Ctrl+P the commands."
    )


def turn_page(title: str, written: str) -> str:
    """Return a turn as far as it is written; the call at its end is told when it is made."""
    return f"### {escaped(title)}\n\n" + escaped(_before_call(written)).replace("\n", "\n\n")


def answer_page(started: RunStarted, finished: RunFinished) -> str:
    """Return the answer of a run, what it rests on, and what was checked."""
    return "\n\n".join(
        [
            f"*{escaped(started.question)}*",
            _verdict(finished),
            *_sources(finished.citations),
            *_claims(finished.claims),
            f"{finished.calls} calls, {finished.seconds:.1f} s, {finished.tokens.prompt:,} tokens "
            f"read, {finished.tokens.generated:,} written. Run {escaped(finished.run)}.",
        ]
    )


def passage_page(card: Card) -> str:
    """Return a passage in full, with where it stands and what became of it."""
    evidence = card.evidence
    headings = " › ".join(evidence.headings)
    more = _flat(headings) if headings not in evidence.place else ""
    where = ", ".join(filter(None, [escaped(evidence.place), more]))
    lines = [
        f"### \\[{evidence.key}\\] {_flat(evidence.title)}",
        "; ".join(filter(None, [escaped(VERDICTS[card.verdict].capitalize()), where])),
        _quoted(evidence.text),
        f"{'On the web: ' if evidence.is_from_the_web else ''}{escaped(evidence.source)}",
    ]
    return "\n\n".join(lines)


def search_page(result: str, exhibits: Sequence[Exhibit]) -> str:
    """Return the result of a search as the agent reads it, and then each passage whole."""
    parts = ["### What the model would read", _quoted(result)]
    for each in exhibits:
        passage = each.passage
        parts.append(f"### \\[{each.key}\\] {_flat(passage.title)}")
        parts.append(escaped(", ".join(filter(None, [passage.place, passage.source]))))
        parts.append(_quoted(passage.text))
    return "\n\n".join(parts)


def problems_page(library: str, problems: Sequence[Problem]) -> str:
    """Return which files of a library could not be read, and why."""
    if not problems:
        return f"Every file of {escaped(library)} was read."
    lines = (f"- **{_flat(each.file)}**: {_flat(each.reason)}" for each in problems)
    return "\n".join([f"### Not read, or not all of it: {len(problems)}", "", *lines])


def node_page(node: Node) -> str:
    """Return what happened in full."""
    place = f"Step {node.step}" if node.step else "Before the first step"
    title = node.title.removeprefix(f"{node.step}").strip()
    return "\n\n".join([f"### {place}", f"**{_flat(title)}**", _lines(node.text)])


def _verdict(finished: RunFinished) -> str:
    if finished.status == "failed":
        return f"**This run failed.** {escaped(finished.reason)}"
    if finished.answer is None:
        return f"## {answer_in_words(finished)}"
    partial = "" if finished.status == "answered" else f"\n\nPartial: {escaped(finished.reason)}."
    return f"## {_flat(finished.answer)}{partial}"


def _sources(citations: tuple[Citation, ...]) -> Iterator[str]:
    if citations:
        yield "### Sources"
    for citation in citations:
        place = f", {escaped(citation.place)}" if citation.place else ""
        origin = f", on the web at {escaped(citation.source)}" if citation.is_from_the_web else ""
        verdict = VERDICTS[verdict_on(citation)]
        yield (
            f"{_link(citation.key)} **{_flat(citation.title)}**{origin}{place}: {verdict}\n\n"
            f"{_quoted(citation.quote)}"
        )


def _claims(claims: tuple[Claim, ...]) -> Iterator[str]:
    if claims:
        yield "### Claims"
    for claim in claims:
        keys = ", ".join(map(_link, claim.keys)) or "no passage"
        yield f"- {_flat(claim.text)}: supported by {keys}"


def _link(key: int) -> str:
    return f"[\\[{key}\\]]({EVIDENCE}{key})"


def _flat(text: str) -> str:
    return escaped(" ".join(text.split()))


def _quoted(text: str) -> str:
    """Return text as a quotation, its line breaks kept."""
    lines = [escaped(line) for line in text.strip().splitlines()]
    ends = [
        "\\" if line.strip() and after.strip() else "" for line, after in pairwise([*lines, ""])
    ]
    return "\n".join(f"> {line}{end}" for line, end in zip(lines, ends, strict=True))


def _lines(text: str) -> str:
    """Return text with a paragraph for each line, and the keys in it as links."""
    return "\n\n".join(linked(line) for line in text.splitlines() if line.strip())


def _before_call(text: str) -> str:
    """Return what stands before a call, or before what may become the tag of one."""
    found = text.find(OPENING)
    if found >= 0:
        return text[:found]
    for length in range(min(len(OPENING) - 1, len(text)), 0, -1):
        if OPENING.startswith(text[-length:]):
            return text[:-length]
    return text
