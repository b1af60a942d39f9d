"""The plans of turns: what is written for the model, what it chooses, and what it writes itself."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from edge_agent.events import Quote
from edge_agent.evidence import Exhibit
from edge_agent.models import Choose, Force, Plan, Reluctance, Sample, Step
from edge_agent.profiles import GatheringSettings
from edge_agent.protocol import BOX, ToolCall, ToolSignature, guided_call, parse, render_call

_SEARCH = ("library", "search")
HAVE_ENOUGH = "I have what I need."
NOTHING_HELPS = "Nothing here helps.\n"
MISSING = "Missing:"
USE = "Now use a tool:\n"
"""Comes before a call of a tool that was chosen for the run: it looks for no name."""


def first_search(question: str) -> ToolCall:
    """Return the call of a first turn that leaves nothing to choose: a search for the question."""
    return ToolCall(*_SEARCH, {"query": question})


def opening_search(question: str) -> Plan:
    """Plan the first turn of a run that leaves nothing to choose: a search for its question."""
    yield Force(render_call(first_search(question)))


def gathering_turn(
    quotable: Sequence[str] | None,
    tools: tuple[ToolSignature, ...],
    gathering: GatheringSettings,
    leads: Callable[[Sequence[str]], Sequence[str]],
    more_tools: tuple[ToolSignature, ...] = (),
) -> Plan:
    """Plan a step: quote sentences among those shown, say what is missing, call a tool; or stop.

    One of `more_tools`, which are among `tools`, may be called without saying what is missing.
    A step without `tools`, for which no call is left, is the same up to where it would call one: so
    it still tells whether anything is missing.

    Where nothing can be quoted, `quotable` is None, the model writes a line of its own instead.
    `leads` are the names, given those lines, of which what is missing begins with one; where there
    are none the model begins as it likes.
    What is missing, in plain words, is what a search looks for: asked to write the same as JSON, a
    small model repeats the question instead.
    """
    if quotable is None:
        lines = [(yield from _line(gathering.thought_tokens))]
    else:
        lines = [(yield Choose((*quotable, NOTHING_HELPS)))]
    next_line = ""
    asking = (MISSING, USE) if more_tools else (MISSING,)
    while next_line not in (*asking, HAVE_ENOUGH):
        names = tuple(f" {name}" for name in leads(lines))
        stuck = lines == [NOTHING_HELPS] and names
        more = _unquoted(quotable or (), lines, gathering.quotes)
        next_line = yield Choose((*more, *asking) if stuck else (*more, *asking, HAVE_ENOUGH))
        lines.append(next_line)
    if not tools or next_line == HAVE_ENOUGH:
        return
    if next_line == USE:
        yield from guided_call(more_tools, gathering.argument_tokens)
        return
    name = (yield Choose(names)) if names else ""
    query = (name + (yield from _line(gathering.thought_tokens))).strip()
    known = {_SEARCH: {"query": query}} if query else {}
    yield from guided_call(tools, gathering.argument_tokens, known)


def without_call(turn: str, quote_of: Callable[[str], Quote | None]) -> str:
    """Return a step as it is where no call is left: up to where it would call a tool.

    `quote_of` returns what a line quotes, if it does.
    """
    end = 0
    for line in turn.split("\n"):
        if quote_of(line) is None and f"{line}\n" != NOTHING_HELPS:
            break
        end += len(line) + 1
    said = (each for each in (MISSING, USE, HAVE_ENOUGH) if turn.startswith(each, end))
    return turn[:end] + next(said, "")


def is_cut_off(turn: str) -> bool:
    """Tell whether a step ended where it would have called a tool."""
    return turn.endswith((MISSING, USE))


def ends_in_a_call(turn: str) -> bool:
    """Tell whether a step calls a tool, or ended where it would have."""
    return is_cut_off(turn) or parse(turn).call is not None


def has_enough(thought: str) -> bool:
    """Tell whether a step ended since nothing is missing."""
    return thought.rstrip().endswith(HAVE_ENOUGH)


def chosen_answer_turn(beginning: str, answers: Sequence[str]) -> Plan:
    """Plan the last turn: one of `answers` in its box, after `beginning`."""
    yield Force(beginning + BOX)
    yield Choose(tuple(f"{answer}}}" for answer in answers))


def answer_turn(beginning: str, answer_tokens: int, reluctance: Reluctance | None = None) -> Plan:
    """Plan the last turn: the answer in its box after `beginning`; without one, as it likes."""
    if not beginning:
        yield Sample(max_tokens=answer_tokens)
        return
    yield Force(beginning + BOX)
    written = yield Sample(answer_tokens, stop=("}", "\n"), reluctance=reluctance)
    if not written.endswith("}"):
        yield Force("}")


def _unquoted(quotable: Sequence[str], lines: Sequence[str], most: int) -> tuple[str, ...]:
    """Return the sentences that a turn may still quote, after `lines`."""
    if NOTHING_HELPS in lines or len(lines) >= most:
        return ()
    return tuple(line for line in quotable if line not in lines)


def _line(tokens: int) -> Generator[Step, str, str]:
    """Plan a line of the model's own, and return it."""
    written = yield Sample(max_tokens=tokens, stop=("\n",))
    if not written.endswith("\n"):
        yield Force("\n")
    return written


def quotable_line(quote: Quote, exhibit: Exhibit) -> str:
    """Return a quote as the model writes it: what it is about, its sentence, its key."""
    return f"{exhibit.label}: {quote.sentence} [{quote.key}]\n"
