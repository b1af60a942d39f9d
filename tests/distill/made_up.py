"""Made-up questions over made-up documents, in the form of the question sets beside the project."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    "Iberia": ["Iberia is dry.", "There the Tagus washes Toledo and many other places."],
    "Søren Åberg": ["Søren Åberg was a Danish sailor.", "He was born in Århus in 1870."],
    "Golden Pen": ["The Golden Pen was named after Eva Lind."],
    "Residence": ["A residence, said Eva Lind, is a residence where one may reside."],
    "The Harbour Song": [f"The Harbour Song is a long poem by Mia Falk. {_VERSES}", _LATER,
                         "Trieste was her last home."],
}  # fmt: skip


BRIDGE = {
    "question": "In which town was the director of the film Night Ferry born?",
    "answer": "Toledo",
    "gold": ["Night Ferry", "Ana Ruiz"],
    "gold_sentences": [["Night Ferry", 0], ["Ana Ruiz", 1]],
}
COMPARISON = {
    "question": "Which writer has the earlier birthday, Tom Hale or Eva Lind?",
    "answer": "Tom Hale",
    "gold": ["Tom Hale", "Eva Lind"],
    "gold_sentences": [["Tom Hale", 0], ["Eva Lind", 0]],
}
TRIPLES = {
    "question": "What is the date of birth of the author of Red Sand?",
    "answer": "May 3, 1899",
    "gold": ["Red Sand", "Tom Hale"],
    "gold_sentences": [["Red Sand", 0], ["Tom Hale", 0]],
    "evidences": [["Red Sand", "author", "Tom Hale"], ["Tom Hale", "date of birth", "3 May 1899"]],
}
STEPS = {
    "question": "In which town was the director of the film Night Ferry born?",
    "answer": "Toledo",
    "answer_aliases": ["the town of Toledo"],
    "gold": ["Ana Ruiz", "Night Ferry"],
    "decomposition": [
        {"question": "Night Ferry >> director", "answer": "Ana Ruiz", "gold": "Night Ferry"},
        {"question": "Where was #1 born?", "answer": "Toledo", "gold": "Ana Ruiz"},
    ],
}
FURTHER = {
    "question": "What was the last home of Mia Falk, whose poem The Harbour Song tells of the old "
    "harbour, its ropes, tides and lamps?",
    "answer": "Trieste",
    "gold": ["The Harbour Song"],
    "decomposition": [
        {"question": "last home of Mia Falk", "answer": "Trieste", "gold": "The Harbour Song"}
    ],
}
VAIN = {
    "question": "Where did the woman live after whom the Golden Pen was named?",
    "answer": "Lund",
    "gold": ["Golden Pen", "Eva Lind"],
    "gold_sentences": [["Golden Pen", 0], ["Eva Lind", 1]],
    "evidences": [["Golden Pen", "named after", "Eva Lind"], ["Eva Lind", "residence", "Lund"]],
}
PLAIN = {  # only the last step says what its document, of another name, is good for
    "question": "On which river do the parents of the director of Night Ferry have their roots?",
    "answer": "Tagus",
    "gold": ["Night Ferry", "Ana Ruiz", "Iberia"],
    "decomposition": [
        {"question": "Night Ferry >> director", "answer": "Ana Ruiz", "gold": "Night Ferry"},
        {"question": "From where were the parents of #1?", "answer": "Toledo", "gold": "Ana Ruiz"},
        {"question": "What washes #2?", "answer": "Tagus", "gold": "Iberia"},
    ],
}
FOREIGN = {
    "question": "Where was the sailor Søren Åberg born?",
    "answer": "Århus",
    "gold": ["Søren Åberg"],
    "gold_sentences": [["Søren Åberg", 1]],
}

VARIANTS = {
    "usual": Variant(),
    "single": Variant(results=1, named=0),
    "pair": Variant(results=2, named=0),
    "withheld": Variant(withheld=True),
}
QUESTIONS = {
    "bridge": BRIDGE,
    "comparison": COMPARISON,
    "triples": TRIPLES,
    "steps": STEPS,
    "further": FURTHER,
    "foreign": FOREIGN,
    "plain": PLAIN,
    "vain": VAIN,
}


def twenty() -> tuple[dict[str, list[str]], dict[str, dict[str, Any]]]:
    """Return documents about twenty ships and their captains, and a question over each pair."""
    documents: dict[str, list[str]] = {}
    questions: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(_NAMES):
        ship, captain, town = f"{name}ia", f"Captain {name}", f"{name}ton"
        documents[ship] = [f"The ship {ship} was led by {captain}."]
        documents[captain] = [f"{captain} was born in {town}."]
        questions[f"q{number}"] = {
            "question": f"Where was the captain of the ship {ship} born?",
            "answer": town,
            "gold": [ship, captain],
            "gold_sentences": [[ship, 0], [captain, 0]],
        }
    return documents, questions


_NAMES = (
    *("Alm", "Berg", "Crane", "Dorn", "Ekdal", "Falk", "Grim", "Hale", "Ibsen", "Jarl"),
    *("Kier", "Lund", "Moe", "Nansen", "Olsen", "Prag", "Quist", "Ruud", "Strand", "Toft"),
)


def write_set(
    folder: Path,
    questions: Mapping[str, Any] = QUESTIONS,
    documents: dict[str, list[str]] = DOCUMENTS,
) -> Path:
    """Write documents and questions into `folder`, all for training, and return it."""
    folder.mkdir(parents=True)
    told = [
        {"id": title, "title": title, "sentences": sentences}
        for title, sentences in documents.items()
    ]
    asked = [{"id": name, "split": "train", **each} for name, each in questions.items()]
    for name, records in (("corpus", told), ("questions", asked)):
        lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return folder


def configured(**values: Any) -> Configuration:
    """Return the shipped configuration, for the made-up set and the smallest model."""
    shipped = load_configuration()
    return shipped.model_copy(
        update={
            "sets": ("films",),
            "base": "smollm2-135m",
            "teach": shipped.teach.model_copy(update={"variants": VARIANTS}),
            "read": shipped.read.model_copy(update={"times": {"films": 2}, "borrowed": {}}),
            **values,
        }
    )
