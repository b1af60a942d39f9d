"""Help: every screen lists its own keys, and those that work everywhere."""

from __future__ import annotations

import pytest
from scripted_app import SIZES, dialog, press, shown
from textual.widgets import Static
from waiting import until

from edge_agent.tui.app import MiroEdge
from edge_agent.tui.dialogs import ChoiceDialog
from edge_agent.tui.help_screen import HelpScreen

SCREENS = {"research": "f2", "runs": "f3", "libraries": "f4", "models": "f5", "settings": "f6"}


async def help_over(app: MiroEdge, mode: str, key: str = "f1") -> str:
    """Go to a screen, open the help there, and return its text."""
    await press(app, SCREENS[mode])
    await until(lambda: app.current_mode == mode and app.screen.focused is not None)
    await press(app, key)
    await until(lambda: isinstance(app.screen, HelpScreen) and bool(app.screen.query(Static)))
    return str(app.screen.query_one(Static).content)


@pytest.mark.parametrize("mode", SCREENS)
@pytest.mark.parametrize("size", SIZES)
async def test_all_keys_are_listed(app: MiroEdge, mode: str, size: tuple[int, int]) -> None:
    async with shown(app, size):
        text = await help_over(app, mode)
        about = app.screen_stack[0]
        wanted = [binding for _, binding in (*about._bindings, *app._bindings)]
        assert all(each.description in text for each in wanted if each.description)
        assert "f4 " in text
        await press(app, "escape")
        await until(lambda: len(app.screen_stack) == 1)
        assert app.focused is not None


@pytest.mark.parametrize("key", ["escape", "f1", "q", "question_mark"])
async def test_help_is_left(app: MiroEdge, key: str) -> None:
    async with shown(app):
        await help_over(app, "runs", "question_mark")
        await press(app, key)
        await until(lambda: len(app.screen_stack) == 1)
        assert app.focused is app.screen.query_one("#table")


async def test_a_key_pressed_twice_closes_help_once(app: MiroEdge) -> None:
    async with shown(app):
        await help_over(app, "runs")
        app.simulate_key("escape")
        app.simulate_key("escape")
        await until(lambda: len(app.screen_stack) == 1)
        await until(lambda: app.message_queue_size == 0)
        assert app.current_mode == "runs"


async def test_all_of_it_is_reached_in_a_small_terminal(app: MiroEdge) -> None:
    async with shown(app, (80, 24)):
        await help_over(app, "research")
        box = app.screen.query_one(".dialog")
        await until(lambda: box.max_scroll_y > 0)
        await press(app, "end")
        await until(lambda: box.scroll_offset.y == box.max_scroll_y)


async def test_a_dialog_has_help_too(app: MiroEdge) -> None:
    async with shown(app):
        app.push_screen(ChoiceDialog("Which?", [("a", "A")]))
        await dialog(app)
        app.action_keys()
        await until(lambda: isinstance(app.screen, HelpScreen) and bool(app.screen.query(Static)))
        assert "Cancel" in str(app.screen.query_one(Static).content)
        await press(app, "escape", "escape")
        await until(lambda: len(app.screen_stack) == 1)
