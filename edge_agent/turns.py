"""The plans of turns: what is written for the model, what it chooses, and what it writes itself."""

from __future__ import annotations

from collections.abc import Sequence

from edge_agent.evidence import Exhibit, Quote
from edge_agent.models import Choose, Force, Plan, Sample
from edge_agent.protocol import BOX, ToolCall, ToolSignature, guided_call, render_call

ENOUGH = "I have what I need."
NOTHING_HELPS = "Nothing here helps.\n"
MISSING = "Missing:"
_MISSING_TOKENS = 20


def opening_search(question: str) -> Plan:
    """Plan the first turn: a search for the question itself, with nothing left to choose."""
    yield Force(render_call(ToolCall("library", "search", {"query": question})))


def gathering_turn(
    quotable: Sequence[str], tools: tuple[ToolSignature, ...], argument_tokens: int
) -> Plan:
    """Plan a step: quote one of the sentences shown, say what is missing, call a tool; or stop.

    What is missing, in plain words, is what a search looks for: asked to write the same as JSON, a
    small model repeats the question instead.
    """
    yield Choose((*quotable, NOTHING_HELPS))
    if (yield Choose((MISSING, ENOUGH))) == ENOUGH:
        return
    missing = yield Sample(max_tokens=_MISSING_TOKENS, stop=("\n",))
    if not missing.endswith("\n"):
        yield Force("\n")
    query = missing.strip()
    known = {"search": {"query": query}} if query else {}
    yield from guided_call(tools, argument_tokens, known)


def closing_turn(quotable: Sequence[str]) -> Plan:
    """Plan the last step: quote a sentence once more, and stop."""
    yield Choose((*quotable, NOTHING_HELPS))
    yield Force(ENOUGH)


def answer_turn(beginning: str, answer_tokens: int) -> Plan:
    """Plan the last turn: the answer in its box, after `beginning`."""
    yield Force(beginning + BOX)
    written = yield Sample(max_tokens=answer_tokens, stop=("}", "\n"))
    if not written.endswith("}"):
        yield Force("}")


def quotable_line(quote: Quote, exhibit: Exhibit) -> str:
    """Return a quote as the model writes it: its title, its sentence, its key."""
    return f"{exhibit.passage.title}: {quote.sentence} [{quote.key}]\n"
