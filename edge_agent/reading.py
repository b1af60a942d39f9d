"""Reading: whole passages, those that matter most nearest the end, and the answer to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise, zip_longest

from edge_agent.checking.dates import asks_for_date, dates, has_year, spelt_out
from edge_agent.checking.wording import content_words
from edge_agent.evidence import Exhibit
from edge_agent.models import Plan, Reluctance
from edge_agent.profiles import Profile, Prompts, ReadingSettings
from edge_agent.trajectory import Trajectory
from edge_agent.turns import answer_turn, chosen_answer_turn

_LIKE_A_KEY = re.compile(r"^([^\S\n]*)\[(\d+)\]", re.MULTILINE)


def reading_list(
    trajectory: Trajectory, reading: ReadingSettings, count: Callable[[str], int]
) -> tuple[Exhibit, ...]:
    """Return the passages to answer from, in the order in which they are shown.

    Those that the model quoted come first when there is not room for all, the ones whose quotes
    share most words with the question before others; then some of the rest, as they were found, in
    this attempt before others; and beside them some that later calls found, since the first alone
    finds as many as are read. Attempts that vote know of nothing else than their own.
    They are shown the other way round: what stands nearest to the question weighs most.
    """
    evidence = trajectory.evidence
    asked = content_words(trajectory.started.question)
    shared: dict[int, int] = {}
    for quote in reversed(trajectory.quotes):
        words = len(asked & content_words(quote.sentence))
        shared[quote.key] = max(words, shared.get(quote.key, 0))
    quoted = sorted(shared, key=lambda key: -shared[key])
    every = trajectory.shown if trajectory.started.vote else range(1, len(evidence) + 1)
    found = sorted(set(every) - set(shared), key=lambda key: (key not in trajectory.shown, key))
    others = found[: reading.beside] if quoted else found
    first = [*quoted, *others][: reading.passages]
    later = [key for key in _found_later(trajectory) if key in found and key not in first]
    exhibits = [evidence.get(key) for key in [*first, *later[: reading.later]]]
    chosen = _fitting([each for each in exhibits if each is not None], reading.tokens, count)
    return tuple(reversed(chosen))


def _fitting(
    exhibits: Sequence[Exhibit], tokens: int, count: Callable[[str], int]
) -> list[Exhibit]:
    """Return the first exhibits that fit into `tokens` together.

    One that alone does not, as where its words are none that the model knows, is passed over; where
    none does, it is the shortest.
    """
    sizes = {each.key: count(whole(each)) for each in exhibits}
    fitting = [each for each in exhibits if sizes[each.key] <= tokens]
    if not fitting:
        return sorted(exhibits, key=lambda each: sizes[each.key])[:1]
    ends = accumulate(sizes[each.key] for each in fitting)
    return [each for each, end in zip(fitting, ends, strict=True) if end <= tokens]


def _found_later(trajectory: Trajectory) -> Iterator[int]:
    """Yield the keys of what calls after the first found: the best of each, then the second…"""
    ends = accumulate(made.found for made in trajectory.all_calls)
    for row in zip_longest(*(range(before + 1, end + 1) for before, end in pairwise(ends))):
        yield from (key for key in row if key is not None)


def reading_prompt(exhibits: Iterable[Exhibit], question: str, prompts: Prompts) -> str:
    """Return what the reader is shown: the passages whole, and the question after them."""
    passages = "\n\n".join(whole(exhibit) for exhibit in exhibits)
    return prompts.reading.format(passages=passages, question=question).strip()


def reply_plan(question: str, prompt: str, profile: Profile) -> Plan:
    """Plan the answer to `prompt`; a date that is asked for is one that stands in the passages,
    where the profile says so and some of them have a year.
    """
    prompts = profile.prompts
    chosen = profile.reading.dates and prompts.answer and asks_for_date(question)
    found = dates(spelt_out(prompt.replace(question, ""))) if chosen else ()
    if any(map(has_year, found)):
        return chosen_answer_turn(prompts.answer, (*found, prompts.unknown))
    reluctance = Reluctance(prompts.unknown, profile.reading.reluctance)
    return answer_turn(prompts.answer, profile.reading.answer_tokens, reluctance)


def whole(exhibit: Exhibit) -> str:
    """Return a passage as the reader sees it.

    A line in it that begins like a passage, as those of a bibliography do, gets other brackets: it
    would be taken for one more.
    """
    text = _LIKE_A_KEY.sub(r"\1(\2)", exhibit.passage.text)
    return f"[{exhibit.key}] {exhibit.label}: {text}"
