"""What OpenAI-compatible clients send, and what they are told where it will not do."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, Field, ValidationError

_SEED = 2**63


class BadRequest(Exception):
    """A request that gets an error object; `status` is the HTTP status."""

    def __init__(
        self, status: int, message: str, code: str | None = None, param: str | None = None
    ) -> None:
        """Say what is wrong with it."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param


class TextPart(BaseModel):
    """A part of a message that is text."""

    type: Literal["text", "input_text"]
    text: str


class OtherPart(BaseModel):
    """A part of a message that is something else: an image, a sound, a file."""

    type: str


_Content: TypeAlias = str | list[TextPart | OtherPart] | None


class Message(BaseModel):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[_Content, Field(union_mode="left_to_right")] = None


class StreamOptions(BaseModel):
    """What is sent beside the answer while it is streamed."""

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """The body of a chat completion; what else it may hold is of no effect here."""

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    seed: Annotated[int, Field(ge=-_SEED, lt=_SEED)] | None = None

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with the tokens that it cost."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def question(self) -> str:
        """The last message of the user's, in one line. Raises BadRequest where it asks nothing."""
        last = next((each for each in reversed(self.messages) if each.role == "user"), None)
        if last is None:
            raise BadRequest(
                400, "No message has the role 'user': there is no question.", param="messages"
            )
        question = " ".join(_text(last).split())
        if not question:
            raise BadRequest(
                400, "The user's last message is empty: ask something.", param="messages"
            )
        return question


def read_request(body: bytes) -> CompletionRequest:
    """Return what a body asks for. Raises BadRequest that names the first thing wrong with it."""
    try:
        return CompletionRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        where = f"{place}: " if place else ""
        raise BadRequest(400, f"{where}{first['msg']}.", param=place or None) from error


def _text(message: Message) -> str:
    if not isinstance(message.content, list):
        return message.content or ""
    texts = []
    for part in message.content:
        if isinstance(part, OtherPart):
            raise BadRequest(
                400, f"Only text can be asked, and no part of type '{part.type}'.", param="messages"
            )
        texts.append(part.text)
    return " ".join(texts)


def error_object(message: str, status: int, code: str | None, param: str | None) -> dict[str, Any]:
    """Return an error as OpenAI's clients understand it."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
