"""Which passages an answer rests on, and whether they say so, checked word by word."""

from __future__ import annotations

import re
from collections.abc import Iterable

from edge_agent.events import Citation
from edge_agent.evidence import Exhibit, Quote
from edge_agent.index import sentences

_MOST_CITATIONS = 4
_MOST_STATING = 2
_WORD = re.compile(r"\w+")
# Words that carry no claim: sharing these with a question makes no sentence evidence.
_FUNCTION_WORDS = frozenset(
    "a an and are as at be by did do does first for from had has have he her his how in is it its "
    "many most much of on 1 or she than that the their they this to was were what when where "
    "which who whom whose why with year".split()
)

_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
}


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, small numbers as digits."""
    return [_NUMBERS.get(word, word) for word in _WORD.findall(text.lower())]


def content_words(text: str) -> frozenset[str]:
    """Return the words of `text` that carry a claim."""
    return frozenset(words(text)) - _FUNCTION_WORDS


def states(text: str, answer: str) -> bool:
    """Tell whether `answer` stands in `text` as whole words, whatever the case and punctuation."""
    wanted = " ".join(words(answer))
    return bool(wanted) and f" {wanted} " in f" {' '.join(words(text))} "


def is_verdict(answer: str) -> bool:
    """Tell whether `answer` is a yes or a no, which no passage spells out."""
    return words(answer) in (["yes"], ["no"])


def cite(
    question: str, answer: str, quotes: Iterable[Quote], exhibits: Iterable[Exhibit]
) -> tuple[Citation, ...]:
    """Return the passages that `answer` rests on, those that state it first.

    Candidates are `exhibits`, the passages that the answer was written from. One that states the
    answer is cited with the sentence that does; one that the model only quoted from is cited with
    that quote, as a link of the chain. Either is `supported` where it has to do with the question,
    or with a sentence that states the answer. There are none where nothing states the answer,
    unless it is a yes or a no.
    """
    quoted = {quote.key: quote.sentence for quote in quotes}
    stating: list[Citation] = []
    links: list[Exhibit] = []
    for exhibit in exhibits:
        sentence = stating_sentence(exhibit, answer, question)
        if sentence is not None:
            related = _shared(f"{exhibit.passage.title} {sentence}", question) > 0
            stating.append(_citation(exhibit, sentence, supported=related))
        elif exhibit.key in quoted:
            links.append(exhibit)
    if not stating and not is_verdict(answer):
        return ()
    stating.sort(key=lambda found: (found.key not in quoted, -_shared(found.quote, question)))
    claim = " ".join([question, *(citation.quote for citation in stating)])
    linking = [
        _citation(link, quoted[link.key], supported=_shared(quoted[link.key], claim) >= 2)
        for link in links
    ]
    return tuple([*stating[:_MOST_STATING], *linking][:_MOST_CITATIONS])


def stating_sentence(exhibit: Exhibit, answer: str, question: str) -> str | None:
    """Return the sentence of the passage that states `answer`, nearest to the question, or None.

    A sentence with the answer as it stands comes before one that only has all of its words.
    """
    # Line breaks inside a sentence are the page's, not the author's.
    whole = [" ".join(sentence.split()) for sentence in sentences(exhibit.passage.text)]
    wanted = set(words(answer))
    found = [sentence for sentence in whole if states(sentence, answer)] or [
        sentence for sentence in whole if wanted and wanted <= set(words(sentence))
    ]
    return max(found, key=lambda sentence: _shared(sentence, question), default=None)


def _shared(text: str, other: str) -> int:
    return len(content_words(text) & content_words(other))


def _citation(exhibit: Exhibit, quote: str, *, supported: bool) -> Citation:
    passage = exhibit.passage
    return Citation(exhibit.key, passage.title, passage.source, passage.place, quote, supported)
