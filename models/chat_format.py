"""How messages are wrapped for a model: cut out of the chat template that its file carries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .errors import InvalidModelFile


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What stands before and after the text of a message."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """The wrapping of each role. A template without a system role has it spoken by the user."""

    system: Wrapping
    user: Wrapping
    assistant: Wrapping

    @property
    def roles(self) -> tuple[Wrapping, ...]:
        """The wrappings of all roles."""
        return self.system, self.user, self.assistant


CHATML = ChatFormat(
    system=Wrapping("<|im_start|>system\n", "<|im_end|>\n"),
    user=Wrapping("<|im_start|>user\n", "<|im_end|>\n"),
    assistant=Wrapping("<|im_start|>assistant\n", "<|im_end|>\n"),
)

_SYSTEM, _USER, _ASSISTANT, _LATER = "⟦system⟧", "⟦user⟧", "⟦assistant⟧", "⟦later⟧"


def chat_format(template: str | None, beginning: str = "") -> ChatFormat:
    """Return the format of a Jinja chat template; ChatML where the file carries none.

    The template is rendered with marks for texts, and what stands between the marks is the
    wrapping. `beginning` is the BOS token as text where the session adds it itself.

    Raises InvalidModelFile when the template cannot be rendered or rewrites the texts.
    """
    if template is None:
        return CHATML
    try:
        return _cut_out(template, beginning)
    except (TemplateError, ValueError, TypeError) as error:
        raise InvalidModelFile(
            f"The model's chat template cannot be understood: {error}. "
            "Use an instruct model whose GGUF carries a plain chat template."
        ) from error


@cache
def _cut_out(template: str, beginning: str) -> ChatFormat:
    """Render a conversation of marks and cut the wrappings out of what stands between them."""
    asked = [_message("user", _USER), _message("assistant", _ASSISTANT), _message("user", _LATER)]
    rendered = _render(template, asked, beginning, generation=True)
    generation = rendered.removeprefix(_render(template, asked, beginning, generation=False))
    head, rest = rendered.split(_USER)
    user_to_assistant, rest = rest.split(_ASSISTANT)
    assistant_to_user, _ = rest.split(_LATER)
    assistant_before = _common_suffix(user_to_assistant, generation)
    user_after = user_to_assistant.removesuffix(assistant_before)
    # An end mark that all roles share belongs to the message before, not to the user's beginning.
    ending = _common_prefix(assistant_to_user, user_after)
    user = Wrapping(_common_suffix(head, assistant_to_user).removeprefix(ending), user_after)
    return ChatFormat(
        system=_system_wrapping(template, beginning, asked[:1], user),
        user=user,
        assistant=Wrapping(assistant_before, assistant_to_user.removesuffix(user.before)),
    )


def _system_wrapping(
    template: str, beginning: str, asked: list[dict[str, str]], user: Wrapping
) -> Wrapping:
    """Return the system's own wrapping, or the user's where the template has no such role."""
    try:
        rendered = _render(
            template, [_message("system", _SYSTEM), *asked], beginning, generation=False
        )
    except TemplateError:
        return user
    opening, rest = rendered.split(_SYSTEM)
    between, _ = rest.split(_USER)
    if not between.endswith(user.before):
        return user
    return Wrapping(opening, between.removesuffix(user.before))


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _render(
    template: str, messages: list[dict[str, str]], beginning: str, *, generation: bool
) -> str:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda _: ""
    rendered = environment.from_string(template).render(
        messages=messages, bos_token=beginning, eos_token="", add_generation_prompt=generation
    )
    return rendered.removeprefix(beginning)


def _refuse(message: str) -> None:
    raise TemplateError(message)


def _common_prefix(one: str, other: str) -> str:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


def _common_suffix(one: str, other: str) -> str:
    return _common_prefix(one[::-1], other[::-1])[::-1]
