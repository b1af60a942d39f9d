"""Dialogs: what is chosen, what is typed, what is wrong with it, and how they are left."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scripted_app import dialog, press, shown
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from waiting import until

from edge_agent.tui.app import MiroEdge
from edge_agent.tui.dialogs import ChoiceDialog, PromptDialog

UGLY = "What\x1b[31m is \u202ethis [b]not bold[/b]? " + "很长的问题" * 40


def opened(app: MiroEdge, screen: ModalScreen[str | None]) -> Callable[[], list[str | None]]:
    """Open a dialog; what is returned returns the answers so far."""
    answers: list[str | None] = []
    app.push_screen(screen, answers.append)
    return lambda: answers


def said(app: MiroEdge) -> str:
    return str(app.screen.query_one("#said", Label).content)


def choice() -> ChoiceDialog:
    return ChoiceDialog("Which?", [("a", "The first"), ("b", "[b]The second[/b]"), ("", "None")])


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["enter"], "a"),
        (["down", "enter"], "b"),
        (["end", "enter"], ""),
        (["escape"], None),
        (["down", "escape"], None),
    ],
)
async def test_a_choice(app: MiroEdge, keys: list[str], answer: str | None) -> None:
    async with shown(app):
        answers = opened(app, choice())
        await dialog(app)
        options = app.screen.query_one(OptionList)
        assert str(options.get_option_at_index(1).prompt) == "[b]The second[/b]"
        await press(app, *keys)
        await until(lambda: answers() == [answer])
        await until(lambda: app.focused is app.research.query_one("#line"))


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_a_key_pressed_twice_closes_one_dialog(app: MiroEdge, key: str) -> None:
    async with shown(app):
        answers = [opened(app, choice()), opened(app, PromptDialog("Name?", "x"))]
        await until(lambda: len(app.screen_stack) == 3 and app.screen.focused is not None)
        app.simulate_key(key)
        app.simulate_key(key)
        await until(lambda: len(answers[1]()) == 1)
        await until(lambda: app.message_queue_size == 0)
        assert len(app.screen_stack) + len(answers[0]()) == 2


async def test_an_option_that_is_chosen_twice_is_chosen_once(app: MiroEdge) -> None:
    async with shown(app):
        answers = opened(app, choice())
        await dialog(app)
        options = app.screen.query_one(OptionList)
        options.action_select()
        options.action_select()
        await until(lambda: len(app.screen_stack) == 1)
        await until(lambda: app.message_queue_size == 0)
        assert answers() == ["a"]


async def test_a_line_of_text(app: MiroEdge) -> None:
    async with shown(app):
        answers = opened(app, PromptDialog("Name?", "al", hint="As on the passport"))
        await dialog(app)
        assert said(app) == "As on the passport"
        await press(app, "end", "e", "x", "enter")
        await until(lambda: answers() == ["alex"])


async def test_what_is_wrong_is_said_and_the_text_stays(app: MiroEdge) -> None:
    def fault(text: str) -> str | None:
        return None if text == "yes" else f"Not '{text}' \x1b[31m, but yes."

    async with shown(app):
        answers = opened(app, PromptDialog("Sure?", "no", fault))
        await dialog(app)
        await press(app, "enter")
        await until(lambda: said(app) == "Not 'no' \\u{1b}[31m, but yes.")
        assert app.screen.query_one("#said").has_class("fault")
        line = app.screen.query_one(Input)
        assert line.value == "no"
        line.value = "yes"
        await press(app, "enter")
        await until(lambda: answers() == ["yes"])


async def test_escape_writes_nothing(app: MiroEdge) -> None:
    async with shown(app):
        answers = opened(app, PromptDialog("Name?", "alex"))
        await dialog(app)
        await press(app, "b", "escape")
        await until(lambda: answers() == [None])


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
@pytest.mark.parametrize("make", [ChoiceDialog, PromptDialog])
async def test_a_long_question_is_read_in_full(
    app: MiroEdge, size: tuple[int, int], make: type[ChoiceDialog | PromptDialog]
) -> None:
    async with shown(app, size):
        if make is ChoiceDialog:
            opened(app, ChoiceDialog(UGLY, [("a", UGLY), ("b", "b")]))
        else:
            opened(app, PromptDialog(UGLY, "value"))
        await dialog(app)
        question = app.screen.query_one(".question", Label)
        assert "\x1b" not in str(question.content)
        assert "\u202e" not in str(question.content)
        await until(lambda: question.size.height > 2)
        box = app.screen.query_one(".dialog").region
        assert app.screen.region.contains_region(box)
        for each in app.screen.query(Label):
            assert box.contains_region(each.region)


async def test_keys_of_the_screen_below_do_nothing(app: MiroEdge) -> None:
    async with shown(app):
        await press(app, "f3")
        await until(lambda: app.current_mode == "runs")
        opened(app, choice())
        await dialog(app)
        await press(app, "d", "u", "slash", "f4")
        assert app.current_mode == "runs"
        assert isinstance(app.screen, ChoiceDialog)
        await press(app, "escape")
        await until(lambda: app.focused is app.screen.query_one("#table"))
