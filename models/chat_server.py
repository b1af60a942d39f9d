"""A model on another machine, or in another program: a server that speaks the OpenAI chat API.

llama-server, vLLM, Ollama and many more do. Nothing is sent anywhere but to the address that the
user gave: no proxy, no redirect.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, TypeAlias

import httpx2

from .chat_reply import ChatReply, OnlyThought, ReplyUsage
from .chat_request import ChatRequest, fewer
from .errors import ServerError
from .remote_model import KEY_VARIABLE, RemoteModel

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 600.0
"""A server without a GPU may read a prompt for minutes before its first word."""
_MOST_SHOWN = 300
_UNKNOWN_KEY = (401, 403)
_BUSY = (429, 503)
_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before a busy server is asked again, where it does not say how many; then no more."""
_LONGEST_WAIT = 60.0
_TO_SPEAK = {
    False: "Switch its thinking off where it is served (llama-server: --reasoning-budget 0), or "
    "choose one that does not think.",
    True: "Have it think less where it is served (llama-server: --reasoning-budget N), or allow it "
    "more tokens (thought_tokens and answer_tokens of a profile).",
}
"""What to do about a model that says nothing, by whether it is allowed to think."""
_LOOK_UP = 0.25
"""Seconds after which whoever waits may call it off."""

ChatMessage = Mapping[str, str]
"""A message of a chat: `role` and `content`."""
_Sending: TypeAlias = Generator[str, None, httpx2.Response]
"""Sends a request: yields nothing while it waits, returns a response to be closed."""


class ChatServer:
    """The chat completions of one model on one server."""

    def __init__(self, model: RemoteModel, key_variable: str = KEY_VARIABLE) -> None:
        """Connect, and find out what the model is called. Raises ServerError.

        The key, if there is one, is in the environment variable of that name.
        """
        self.url = model.url
        self._key_variable = key_variable
        key = os.environ.get(key_variable, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise ServerError(f"The key in {key_variable} has signs that no key has. Set it again.")
        self._client = httpx2.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS),
            trust_env=False,
        )
        self._refused: set[str] = set()
        """Extras without which the server has taken a request that it had refused with them."""
        self._reply = ChatReply()
        """The last one."""
        self.name = model.name or self._first_name()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @property
    def usage(self) -> ReplyUsage:
        """What the last reply cost."""
        return self._reply.usage

    def reach(self) -> None:
        """Find out whether the server is there, and takes the key. Raises ServerError.

        Not every server lists its models, so one that refuses that alone is there.
        """
        with self._explained():
            response = self._client.get(f"{self.url}/models")
            if response.status_code in _UNKNOWN_KEY:
                raise self._refusal(response)

    def reply(self, request: ChatRequest) -> Generator[str, None, None]:
        """Yield the text of the model's next message as it comes.

        While the server is busy an empty text comes now and then, so that waiting may be called
        off. Extras are left out for good where the server takes a request only without them.
        Raises OnlyThought where the tokens ended before anything was said, and ServerError where
        the server stays busy, and for all else that goes wrong.
        """
        reply = self._reply = ChatReply()
        body = {"model": self.name, **request.body}
        extras = {n: value for n, value in request.extras.items() if n not in self._refused}
        with self._explained():
            response = yield from self._sent(body, extras)
            with closing(response):
                for event in httpx2.EventSource(response):
                    if event.data.strip() == "[DONE]":
                        break
                    yield from reply.heard(self._chunk(event.data))
        if reply.is_unspoken:
            raise OnlyThought(
                f"The model {self.name} at {self.url} thinks before it speaks, and its "
                f"{request.max_tokens} tokens ended before it had said anything. "
                f"{_TO_SPEAK[request.thinks]}"
            )

    def _sent(self, body: Mapping[str, Any], extras: Mapping[str, Any]) -> _Sending:
        """Send a request, with as many extras as the server takes, and return its response.

        Raises ServerError.
        """
        try:
            return (yield from self._post({**body, **extras}))
        except _Refused:
            if not extras:
                raise
        taken = fewer(extras)
        response = yield from self._sent(body, taken)
        self._refused |= extras.keys() - taken.keys()
        return response

    def _post(self, body: Mapping[str, Any]) -> _Sending:
        """Return the response to a request that the server takes, once it does.

        Raises ServerError.
        """
        waits = iter(_WAITS)
        while True:
            request = self._client.build_request("POST", f"{self.url}/chat/completions", json=body)
            response = self._client.send(request, stream=True)
            if response.status_code < 400:
                return response
            with closing(response):
                response.read()
            wait = next(waits, None) if response.status_code in _BUSY else None
            if wait is None:
                raise self._refusal(response)
            yield from _waiting(_seconds_to_wait(response, wait))

    def _chunk(self, data: str) -> Any:
        """Return a chunk of a reply. Raises ServerError where it is the end of one that failed."""
        chunk = json.loads(data)
        if chunk.get("error"):
            raise ServerError(f"The model server {self.url} failed: {_message(chunk)}.")
        return chunk

    def _first_name(self) -> str:
        with self._explained():
            response = self._client.get(f"{self.url}/models")
            if response.status_code >= 400:
                raise self._refusal(response)
            listed = [str(model["id"]) for model in response.json()["data"]]
        if not listed:
            raise ServerError(
                f"The model server {self.url} lists no model. Name one: --model {self.url}#NAME"
            )
        return listed[0]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what can go wrong on the way to the server and back into ServerError."""
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise ServerError(
                f"The model server {self.url} cannot be used: {_reason(error)}. "
                "Check that it runs and that the address is right (http://host:port/v1#name)."
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ServerError(
                f"What answers at {self.url} does not speak the OpenAI chat API. "
                "Check the address (http://host:port/v1#name)."
            ) from error

    def _refusal(self, response: httpx2.Response) -> ServerError:
        """Return the error that an answer other than success stands for."""
        status, said = response.status_code, _said(response)
        if status in _UNKNOWN_KEY:
            return ServerError(
                f"The model server {self.url} refuses the key ({status}: {said}). "
                f"Put the right one into the environment variable {self._key_variable}."
            )
        if status in _BUSY:
            return ServerError(
                f"The model server {self.url} is too busy ({status}: {said}). Try again later."
            )
        kind = _Refused if status in (400, 422) else ServerError
        return kind(
            f"The model server {self.url} refuses ({status}: {said}). "
            "Check the name of the model after the #, and --context."
        )


class _Refused(ServerError):
    """The server does not take the request as it is."""


def _seconds_to_wait(response: httpx2.Response, usual: float) -> float:
    """Return for how long a busy server asks to be left alone, up to a minute; else the usual."""
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), _LONGEST_WAIT) if asked.isdecimal() else usual


def _waiting(seconds: float) -> Iterator[str]:
    """Wait, and yield nothing now and then."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        yield ""
        time.sleep(min(left, _LOOK_UP))


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


def _said(response: httpx2.Response) -> str:
    """Return what the server says about a failure, as one line."""
    try:
        return _message(response.json())
    except ValueError:
        return _one_line(response.text) or "without a reason"


def _message(answer: Any) -> str:
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or error
    return _one_line(str(error))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MOST_SHOWN].rstrip(".")
