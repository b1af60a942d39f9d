"""Made-up questions over made-up documents, in the form of the question sets beside the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from configuration import Configuration, Variant, load_configuration

_VERSES = " ".join(
    f"Verse {number} tells of the old harbour, its ropes, its tides and its many lamps."
    for number in range(1, 17)
)
_LATER = " ".join(
    f"In {year} she fell ill once more, and let nobody in but a nurse."
    for year in range(1901, 1909)
)

DOCUMENTS: dict[str, list[str]] = {
    "Night Ferry": ["Night Ferry is a 1951 film directed by Ana Ruiz.", "It was shot in Cadiz."],
    "Ana Ruiz": ["Ana Ruiz was a painter.", "Her parents left Toledo when she was born."],
    "Red Sand": ["Red Sand is a novel by Tom Hale."],
    "Tom Hale": ["Tom Hale (born 3 May 1899) was an English writer.", "He kept bees."],
    "Eva Lind": ["Eva Lind (born 9 July 1905) was a Swedish writer.", "She lived in Lund."],
    "Ferry": ["A ferry is a boat that carries people at night and by day."],
    "Toledo": ["Toledo is a town on the river Tagus.", "Its swords are known."],
    "Søren Åberg": ["Søren Åberg was a Danish sailor.", "He was born in Århus in 1870."],
    "Golden Pen": ["The Golden Pen was named after Eva Lind."],
    "Residence": ["A residence, said Eva Lind, is a residence where one may reside."],
    "The Harbour Song": [f"The Harbour Song is a long poem by Mia Falk. {_VERSES}", _LATER,
                         "Trieste was her last home."],
}  # fmt: skip


def _gold(*titles: str) -> list[str]:
    return [_id(title) for title in titles]


def _id(title: str) -> str:
    return f"films-{list(DOCUMENTS).index(title)}"


def _quotes(*places: tuple[str, int]) -> list[list[Any]]:
    return [[_id(title), sentence] for title, sentence in places]


BRIDGE = {
    "question": "In which town was the director of the film Night Ferry born?",
    "answer": "Toledo",
    "gold": _gold("Night Ferry", "Ana Ruiz"),
    "gold_sentences": _quotes(("Night Ferry", 0), ("Ana Ruiz", 1)),
}
COMPARISON = {
    "question": "Which writer was born first, Tom Hale or Eva Lind?",
    "answer": "Tom Hale",
    "gold": _gold("Tom Hale", "Eva Lind"),
    "gold_sentences": _quotes(("Tom Hale", 0), ("Eva Lind", 0)),
}
TRIPLES = {
    "question": "What is the date of birth of the author of Red Sand?",
    "answer": "May 3, 1899",
    "gold": _gold("Red Sand", "Tom Hale"),
    "gold_sentences": _quotes(("Red Sand", 0), ("Tom Hale", 0)),
    "evidences": [["Red Sand", "author", "Tom Hale"], ["Tom Hale", "date of birth", "3 May 1899"]],
}
STEPS = {
    "question": "In which town was the director of the film Night Ferry born?",
    "answer": "Toledo",
    "answer_aliases": ["the town of Toledo"],
    "gold": _gold("Ana Ruiz", "Night Ferry"),
    "decomposition": [
        {"question": "Night Ferry >> director", "answer": "Ana Ruiz", "gold": _id("Night Ferry")},
        {"question": "Where was #1 born?", "answer": "Toledo", "gold": _id("Ana Ruiz")},
    ],
}
FURTHER = {
    "question": "What was the last home of Mia Falk, whose poem The Harbour Song tells of the old "
    "harbour, its ropes, tides and lamps?",
    "answer": "Trieste",
    "gold": _gold("The Harbour Song"),
    "decomposition": [
        {"question": "last home of Mia Falk", "answer": "Trieste", "gold": _id("The Harbour Song")}
    ],
}
VAIN = {
    "question": "Where did the woman live after whom the Golden Pen was named?",
    "answer": "Lund",
    "gold": _gold("Golden Pen", "Eva Lind"),
    "gold_sentences": _quotes(("Golden Pen", 0), ("Eva Lind", 1)),
    "evidences": [["Golden Pen", "named after", "Eva Lind"], ["Eva Lind", "residence", "Lund"]],
}
FOREIGN = {
    "question": "Where was the sailor Søren Åberg born?",
    "answer": "Århus",
    "gold": _gold("Søren Åberg"),
    "gold_sentences": _quotes(("Søren Åberg", 1)),
}

VARIANTS = {
    "usual": Variant(),
    "single": Variant(results=1),
    "pair": Variant(results=2),
    "withheld": Variant(withheld=True),
}
QUESTIONS = {
    "bridge": BRIDGE,
    "comparison": COMPARISON,
    "triples": TRIPLES,
    "steps": STEPS,
    "further": FURTHER,
    "foreign": FOREIGN,
    "vain": VAIN,
}


def write_set(folder: Path, questions: dict[str, dict[str, Any]] = QUESTIONS) -> Path:
    """Write the documents and questions into `folder`, all for training, and return it."""
    folder.mkdir(parents=True)
    documents = [
        {"id": _id(title), "title": title, "sentences": sentences}
        for title, sentences in DOCUMENTS.items()
    ]
    asked = [{"id": name, "split": "train", **each} for name, each in questions.items()]
    for name, records in (("corpus", documents), ("questions", asked)):
        lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return folder


def configured(**values: Any) -> Configuration:
    """Return the shipped configuration, for the made-up set and the smallest model."""
    shipped = load_configuration()
    changes = {"sets": ("films",), "base": "smollm2-135m"} | values
    changes["teach"] = shipped.teach.model_copy(update={"variants": VARIANTS})
    changes["read"] = shipped.read.model_copy(update={"times": {"films": 2}, "borrowed": {}})
    return shipped.model_copy(update=changes)
