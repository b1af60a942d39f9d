"""Wrappings are cut out of the templates that models carry."""

import pytest

from edge_agent.models.chat_format import CHATML, Wrapping, chat_format
from edge_agent.models.errors import InvalidModelFile

CHATML_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHATML_WITH_A_DEFAULT = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}"
    + CHATML_TEMPLATE
)
SYSTEM_INSIDE_THE_FIRST_USER_MESSAGE = (
    "{{ bos_token }}{% set rest = messages %}{% set lead = '' %}"
    "{% if messages[0].role == 'system' %}"
    "{% set lead = messages[0].content + '\n\n' %}{% set rest = messages[1:] %}{% endif %}"
    "{% for m in rest %}{% set role = 'model' if m.role == 'assistant' else m.role %}"
    "{{ '<start_of_turn>' + role + '\n' + (lead if loop.first else '') + m.content }}"
    "{{ '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
NO_SYSTEM_ROLE = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}"
    "{{ raise_exception('no system role') }}{% elif m.role == 'user' %}"
    "{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ m.content + '</s>' }}{% endif %}"
    "{% endfor %}"
)


@pytest.mark.parametrize("template", [CHATML_TEMPLATE, CHATML_WITH_A_DEFAULT, None])
def test_chatml(template: str | None) -> None:
    assert chat_format(template) == CHATML


def test_a_system_prompt_that_is_merged_into_the_user_message_becomes_a_user_message() -> None:
    chat = chat_format(SYSTEM_INSIDE_THE_FIRST_USER_MESSAGE, "<bos>")
    assert chat.user == Wrapping("<start_of_turn>user\n", "<end_of_turn>\n")
    assert chat.assistant == Wrapping("<start_of_turn>model\n", "<end_of_turn>\n")
    assert chat.system == chat.user


def test_a_template_that_refuses_a_system_role() -> None:
    chat = chat_format(NO_SYSTEM_ROLE, "<s>")
    assert chat.system == chat.user == Wrapping("[INST] ", " [/INST]")
    assert chat.assistant == Wrapping("", "</s>")


@pytest.mark.parametrize("template", ["{% for %}", "{{ messages | no_such_filter }}", "constant"])
def test_a_template_that_cannot_be_understood_is_named_as_such(template: str) -> None:
    with pytest.raises(InvalidModelFile, match="chat template"):
        chat_format(template)
