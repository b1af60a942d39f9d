"""Whether guessing ahead from the prompt pays, and whether it leaves the text as it is.

Prompt lookup: where the last tokens stood in the window before, what followed them then is guessed,
decoded in one batch, and kept as far as the model draws the same (Saxena 2023, "Prompt lookup
decoding"; Yang et al. 2023, arXiv 2304.04487). It is not part of the program: this script measures
why, on two tasks at temperature 0 over passages of train questions.

copy    sentences of the passages, word for word: the best case
think   reasoning and an answer, as a model writes by itself

    .venv/bin/python scripts/bench/speculation.py --json speculation.json
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from question_sets import records

from edge_agent.cli.pulling import pulled_model
from edge_agent.home import Home
from edge_agent.model_opening import loading_settings
from edge_agent.models import DEFAULT_CONTEXT, load_catalog
from edge_agent.models.chat_format import chat_format
from edge_agent.models.engine import Engine

TASKS = {
    "copy": "Copy, word for word, the sentences of the passages that help to answer the question.",
    "think": "Think step by step, then answer the question.",
}
RUN = 3
"""Tokens that have to agree before a guess is made; after a bad guess, twice as many."""
LONGEST_RUN = 24
GUESSED = 15
WORTH_IT = 0.4
DRAWN = 80
DISTRACTORS = 3
BATCHES = (1, 2, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class Figures:
    """One task: how much faster, and how often the text stayed the same."""

    task: str
    questions: int
    speed: float
    same_text: float


class Guesser:
    """Finds where the last tokens stood before."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        self._needed = RUN
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        """Note a token that the window has gained."""
        if len(self._tokens) >= RUN:
            self._after[tuple(self._tokens[-RUN:])] = len(self._tokens)
        self._tokens.append(token)

    def guess(self) -> list[int]:
        """Return what may come next."""
        found = self._after.get(tuple(self._tokens[-RUN:]))
        end, needed = len(self._tokens), self._needed
        if found is None or found < needed:
            return []
        agree = self._tokens[found - needed : found] == self._tokens[end - needed :]
        return self._tokens[found : found + GUESSED] if agree else []

    def learn(self, guessed: int, right: int) -> None:
        """Ask for longer runs after a bad guess."""
        good = right >= guessed * WORTH_IT
        self._needed = RUN if good else min(2 * self._needed, LONGEST_RUN)


def decode_all(engine: Engine, tokens: Sequence[int], position: int) -> np.ndarray[Any, Any]:
    """Decode a batch and return the logits of every token, one row each."""
    batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
    batch.n_tokens = len(tokens)
    for index, token in enumerate(tokens):
        batch.token[index] = token
        batch.pos[index] = position + index
        batch.n_seq_id[index] = 1
        batch.seq_id[index][0] = 0
        batch.logits[index] = True
    status = llama_cpp.llama_decode(engine._context, batch)
    llama_cpp.llama_batch_free(batch)
    if status != 0:
        raise SystemExit(f"decoding failed with status {status}")
    size = engine.logits().shape[0]
    rows = [llama_cpp.llama_get_logits_ith(engine._context, i) for i in range(len(tokens))]
    return np.stack([np.ctypeslib.as_array(row, shape=(size,)).copy() for row in rows])


def one_by_one(engine: Engine, prompt: list[int]) -> list[int]:
    """Draw the likeliest tokens after a decoded prompt, one at a time."""
    drawn: list[int] = []
    token = int(engine.logits().argmax())
    while len(drawn) < DRAWN and not engine.ends_turn(token):
        drawn.append(token)
        engine.decode([token], len(prompt) + len(drawn) - 1)
        token = int(engine.logits().argmax())
    return drawn


def guessing_ahead(engine: Engine, prompt: list[int]) -> list[int]:
    """Draw the likeliest tokens after a decoded prompt, several at a time where a guess holds."""
    guesser = Guesser(prompt)
    drawn = [int(engine.logits().argmax())]
    guesser.add(drawn[0])
    while len(drawn) < DRAWN and not engine.ends_turn(drawn[-1]):
        guess = guesser.guess()
        position = len(prompt) + len(drawn) - 1
        logits = decode_all(engine, [drawn[-1], *guess], position)
        right = 0
        for row in logits:
            token = int(row.argmax())
            drawn.append(token)
            guesser.add(token)
            if engine.ends_turn(token) or right == len(guess) or token != guess[right]:
                break
            right += 1
        engine.truncate(len(prompt) + len(drawn) - 1)
        if guess:
            guesser.learn(len(guess), right)
    return [token for token in drawn[:DRAWN] if not engine.ends_turn(token)]


def prompts(engine: Engine, data: Path, limit: int, task: str) -> Iterator[list[int]]:
    """Yield a prompt for each question: its gold passages among distractors, shuffled."""
    folder = data / "hotpotqa"
    corpus = {each["id"]: each for each in records(folder / "corpus.jsonl")}
    questions = [q for q in records(folder / "questions.jsonl") if q["split"] == "train"]
    chance = random.Random(1)
    chat = chat_format(engine.chat_template, engine.beginning_text)
    for question in questions[:limit]:
        ids = [*question["gold"], *chance.sample(list(corpus), DISTRACTORS)]
        chance.shuffle(ids)
        passages = "\n\n".join(f"{corpus[each]['title']}: {_text(corpus[each])}" for each in ids)
        text = f"{passages}\n\n{TASKS[task]}\n\nQuestion: {question['question']}"
        yield [
            *engine.beginning,
            *engine.tokenize(chat.user.before, special=True),
            *engine.tokenize(text, special=False),
            *engine.tokenize(chat.user.after + chat.assistant.before, special=True),
        ]


def _text(record: dict[str, Any]) -> str:
    return str(record.get("text") or "".join(record["sentences"]))


@contextmanager
def _timed(seconds: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - began)


def measured(engine: Engine, task: str, options: argparse.Namespace) -> Figures:
    """Draw with and without guessing, after the same decoded prompt."""
    plain: list[float] = []
    ahead: list[float] = []
    same = []
    for prompt in prompts(engine, options.data, options.limit, task):
        texts = []
        for draw, seconds in ((one_by_one, plain), (guessing_ahead, ahead)):
            engine.clear()
            engine.decode(prompt, 0)
            with _timed(seconds):
                texts.append(draw(engine, prompt))
        same.append(texts[0] == texts[1])
        print(".", end="", file=sys.stderr, flush=True)
    print(f" {task}", file=sys.stderr)
    return Figures(
        task, len(same), round(sum(plain) / sum(ahead), 2), round(statistics.mean(same), 2)
    )


def batch_costs(engine: Engine) -> tuple[dict[int, float], float]:
    """Return the time of batches as multiples of one token's, and how far logits then differ."""
    tokens = [200 + index % 200 for index in range(512)]
    engine.clear()
    engine.decode(tokens, 0)
    costs = {}
    single = np.stack([decode_all(engine, [t], 512 + i)[0] for i, t in enumerate(tokens[:16])])
    for size in BATCHES:
        seconds: list[float] = []
        for _ in range(5):
            engine.truncate(512)
            with _timed(seconds):
                together = decode_all(engine, tokens[:size], 512)
        costs[size] = statistics.median(seconds)
    difference = float(np.abs(single - together).max())
    return {size: round(cost / costs[1], 2) for size, cost in costs.items()}, round(difference, 3)


def main() -> None:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=load_catalog().default, help="model by name or path")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="question sets")
    parser.add_argument("--limit", type=int, default=16, help="questions of each task")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    home = Home.from_environment()
    model = pulled_model(options.model, home, offline=False)
    with Engine(model.path, loading_settings(model, home, DEFAULT_CONTEXT)) as engine:
        costs, difference = batch_costs(engine)
        figures = [measured(engine, task, options) for task in TASKS]
    for size, cost in costs.items():
        print(f"a batch of {size:2} takes {cost:5.2f} × the time of one token")
    print(f"largest difference of a logit, batch against one by one: {difference}")
    for each in figures:
        print(f"{each.task:6} {each.speed:5.2f} × as fast, same text for {each.same_text:.0%}")
    if options.json:
        record = {
            "batch_cost": costs,
            "logit_difference": difference,
            "tasks": [asdict(each) for each in figures],
        }
        options.json.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
