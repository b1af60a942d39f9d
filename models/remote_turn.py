"""Writes one turn by asking a chat server: for a whole message, or for what comes next in one.

A chat API writes whole messages. Where a plan has begun one, the model is shown what is written and
asked for the rest; where it has options, it is asked for the number of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from .chat_reply import without_thoughts
from .chat_request import ChatRequest
from .chat_server import ChatMessage, ChatServer
from .control import spelt_out
from .decoding import Choose, Force, Piece, Plan, Sample, Sampling, Step, carried_out, until_stop

_GO_ON = "Your message so far:\n{written}\n\nWrite what comes next in it, and nothing else."
_END_LINE = (
    "Your message so far:\n{written}\n\n"
    "Its last line is not finished. Write the missing end of that line, and nothing else."
)
_CHOOSE = (
    "{written}Which of these comes next in your message? Answer with its number alone.\n\n{options}"
)
_WRITTEN = "Your message so far:\n{written}\n\n"
_NUMBER_TOKENS = 256
"""More than a number takes: some models think before they say it."""
_NUMBER = re.compile(r"\d+(?=\D)")
_FENCE = re.compile(r"\A```\w*\n|\n?```\s*\Z")

Book = Callable[[list[ChatMessage], str], None]
"""Told of each request: what was sent, and the reply."""


class RemoteTurn:
    """Carries out a plan over a server, after the messages so far."""

    def __init__(
        self,
        server: ChatServer,
        messages: list[ChatMessage],
        sampling: Sampling,
        seed: int,
        book: Book,
    ) -> None:
        self._server = server
        self._messages = messages
        self._sampling = sampling
        self._seed = seed
        self._book = book
        self._room = 0
        self._written: list[str] = []

    @property
    def text(self) -> str:
        """What was written so far."""
        return "".join(self._written)

    def write(self, plan: Plan, room: int) -> Iterator[Piece]:
        """Carry out the steps of `plan`, in at most `room` tokens a reply."""
        self._room = room
        for piece in carried_out(plan, self._carry_out):
            self._written.append(piece.text)
            yield piece

    def _carry_out(self, step: Step) -> Iterator[Piece]:
        if isinstance(step, Force):
            yield Piece(step.text, "forced")
        elif isinstance(step, Choose):
            yield from self._choose(step)
        elif self.text:
            yield from self._go_on(step)
        else:
            yield from self._whole_message(step)

    def _whole_message(self, step: Sample) -> Iterator[Piece]:
        """Have the model write, and end the connection at a stop string.

        It may think before a message of its own, and not before a line.
        """
        text = ""
        thinks = "\n" not in step.stop
        with closing(
            self._reply(self._messages, step.max_tokens, step.grammar, thinks=thinks)
        ) as reply:
            for addition in reply:
                kept, stopped = until_stop(text, addition, step.stop)
                text += kept
                yield Piece(kept, "sampled")
                if stopped or (step.complete is not None and step.complete(text)):
                    return

    def _go_on(self, step: Sample) -> Iterator[Piece]:
        """Ask for what comes next in a message that was begun."""
        request = _END_LINE if "\n" in step.stop else _GO_ON
        asked = self._asked(request.format(written=self.text))
        reply = ""
        with closing(self._reply(asked, step.max_tokens, step.grammar)) as stream:
            for addition in stream:
                reply += addition
                yield Piece("", "sampled")  # whoever reads may stop here
        reply = _FENCE.sub("", without_thoughts(reply).strip())
        reply = _without_repetition(self.text, reply)
        if self.text[-1].isalnum() or self.text[-1] in ".,:;!?":
            reply = f" {reply}"
        yield Piece(until_stop("", reply, step.stop)[0], "sampled")

    def _choose(self, step: Choose) -> Iterator[Piece]:
        """Ask for the number of an option; a reply without one is taken by what it resembles."""
        if len(step.options) == 1:
            yield Piece(step.options[0], "chosen")
            return
        lines = (f"{n}. {option.strip()}" for n, option in enumerate(step.options, start=1))
        written = _WRITTEN.format(written=self.text) if self.text else ""
        question = _CHOOSE.format(written=written, options="\n".join(lines))
        reply = ""
        with closing(self._reply(self._asked(question), _NUMBER_TOKENS, None)) as stream:
            for addition in stream:
                reply += addition
                if _NUMBER.search(without_thoughts(reply)):
                    break
                yield Piece("", "chosen")
        yield Piece(_chosen(without_thoughts(reply), step.options), "chosen")

    def _asked(self, text: str) -> list[ChatMessage]:
        """Return the messages with a request at the end of what the user says last."""
        text = spelt_out(text)  # it holds what was written and what may be: quotes of documents
        *before, last = self._messages
        if last["role"] == "user":
            return [*before, {"role": "user", "content": f"{last['content']}\n\n{text}"}]
        return [*self._messages, {"role": "user", "content": text}]

    def _reply(
        self,
        messages: list[ChatMessage],
        most: int,
        grammar: str | None,
        *,
        thinks: bool = False,
    ) -> Generator[str, None, None]:
        """Yield a reply as it comes; the end, also an early one, books it and hangs up."""
        reply: list[str] = []
        request = ChatRequest(
            messages, min(most, self._room), self._sampling, self._seed, grammar, thinks
        )
        try:
            with closing(self._server.reply(request)) as stream:
                for addition in stream:
                    reply.append(addition)
                    yield addition
        finally:
            self._book(messages, "".join(reply))


def _chosen(reply: str, options: tuple[str, ...]) -> str:
    """Return the option whose number is in `reply`, else the one that shares most words with it."""
    for number in re.findall(r"\d+", reply):
        if 1 <= int(number) <= len(options):
            return options[int(number) - 1]
    said = _words(reply)
    return max(options, key=lambda option: len(said & _words(option)))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _without_repetition(written: str, reply: str) -> str:
    """Return `reply` without what it repeats of the end of the message, from a word's beginning."""
    for start in [0, *(match.end() for match in re.finditer(r"\s", written))]:
        end = written[start:].strip()
        if end and reply.startswith(end):
            return reply[len(end) :].lstrip()
    return reply
