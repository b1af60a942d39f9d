"""Settings: each is changed by hand, kept in the file, checked, and reset."""

from __future__ import annotations

import pytest
from scripted_app import SIZES, choose, dialog, go_to, picture, press, shown, write
from waiting import until

from edge_agent.config import McpServer, load_config, save_config, settings, value_of
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.settings_screen import SettingsScreen


async def settings_screen(app: MiroEdge) -> SettingsScreen:
    screen = await go_to(app, "f6", SettingsScreen)
    await until(lambda: screen.table.row_count > 0)
    return screen


async def at(app: MiroEdge, key: str) -> SettingsScreen:
    """Go to a setting."""
    screen = await settings_screen(app)
    screen.point_at(key)
    assert screen.selected == key
    return screen


def cells(screen: SettingsScreen, key: str) -> list[str]:
    return [str(cell) for cell in screen.table.get_row(key)]


def kept(app: MiroEdge, key: str) -> str:
    return value_of(load_config(app.home.config), key)


async def change(app: MiroEdge, text: str) -> None:
    """Open the dialog of the setting under the cursor, and write a text there."""
    await press(app, "enter")
    await write(app, text)


@pytest.mark.parametrize("size", SIZES)
async def test_all_settings_are_listed(app: MiroEdge, size: tuple[int, int]) -> None:
    async with shown(app, size):
        screen = await settings_screen(app)
        assert screen.said == f"Kept in {app.home.config}"
        assert [str(key.value) for key in screen.table.rows] == [each.key for each in settings()]
        for each in settings():
            assert cells(screen, each.key)[3] == each.description
        table = screen.table
        widths = [column.get_render_width(table) for column in table.ordered_columns[:3]]
        assert max(widths) <= size[0] // 3 + 2


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("ask.context", "2048", "2048"),
        ("ask.max_time", "12.5", "12.5"),
        ("ask.seed", " 7 ", "7"),
        ("ask.model", "smollm2-135m", "smollm2-135m"),
        ("ask.libraries", 'ships, "a, b"', 'ships, "a, b"'),
        ("ask.profile", "edge", "edge"),
    ],
)
async def test_a_setting_is_written(app: MiroEdge, key: str, text: str, value: str) -> None:
    async with shown(app):
        screen = await at(app, key)
        await change(app, text)
        await until(lambda: screen.said == f"{key} is now {value}.")
        assert kept(app, key) == value_of(app.config, key) == value
        assert cells(screen, key)[1] == value
        assert app.focused is screen.table
        assert screen.selected == key


@pytest.mark.parametrize(
    ("key", "text", "fault"),
    [
        ("ask.context", "many", "a whole number"),
        ("ask.context", "1", "greater than or equal to 64"),
        ("ask.max_time", "-3", "greater than 0"),
        ("ask.max_calls", "2.5", "a whole number"),
        ("ask.libraries", ",", "a list"),
    ],
)
async def test_a_bad_value_is_refused_where_it_is_typed(
    app: MiroEdge, key: str, text: str, fault: str
) -> None:
    async with shown(app):
        screen = await at(app, key)
        before = kept(app, key)
        await change(app, text)
        await until(lambda: fault in str(app.screen.query_one("#said").content))  # type: ignore[attr-defined]
        await press(app, "escape")
        await until(lambda: app.focused is screen.table)
        assert kept(app, key) == before


async def test_a_switch_is_switched_at_once(app: MiroEdge) -> None:
    async with shown(app):
        screen = await at(app, "tui.ascii")
        await press(app, "enter")
        await until(lambda: screen.said == "tui.ascii is now yes.")
        assert app.has_class("-ascii")
        await press(app, "enter")
        await until(lambda: screen.said == "tui.ascii is now no.")
        assert not app.has_class("-ascii")
        assert len(app.screen_stack) == 1
        assert screen.selected == "tui.ascii"


async def test_a_choice_is_chosen(app: MiroEdge) -> None:
    async with shown(app):
        screen = await at(app, "tui.theme")
        await press(app, "enter")
        await dialog(app)
        await press(app, "down", "enter")
        await until(lambda: screen.said == "tui.theme is now light.")
        assert app.theme == "light"
        assert kept(app, "tui.theme") == "light"


async def test_a_choice_shows_what_is_set(app: MiroEdge) -> None:
    async with shown(app):
        screen = await at(app, "tui.theme")
        for choice in ("light", "dark"):
            await press(app, "enter")
            await dialog(app)
            await press(app, *(["down"] if choice == "light" else ["up"]), "enter")
            await until(lambda choice=choice: screen.said == f"tui.theme is now {choice}.")  # type: ignore[misc]


async def test_a_choice_may_be_the_default(app: MiroEdge) -> None:
    async with shown(app):
        screen = await at(app, "ask.kv_type")
        for row, value in ((1, "f16"), (0, "the default")):
            await press(app, "enter")
            await choose(app, row)
            await until(lambda value=value: screen.said == f"ask.kv_type is now {value}.")  # type: ignore[misc]
        assert kept(app, "ask.kv_type") == ""


@pytest.mark.parametrize("key", ["z", "delete"])
async def test_a_setting_is_reset(app: MiroEdge, key: str) -> None:
    async with shown(app):
        screen = await at(app, "ask.libraries")
        assert cells(screen, "ask.libraries")[1] == "ships"
        await press(app, key)
        await until(lambda: screen.said == "ask.libraries is now sample.")
        screen.point_at("ask.model")
        await press(app, key)
        await until(lambda: screen.said == "ask.model is now the default.")
        assert kept(app, "ask.model") == ""


async def test_a_blank_line_is_the_default(app: MiroEdge) -> None:
    async with shown(app):
        screen = await at(app, "ask.context")
        await change(app, "2048")
        await until(lambda: screen.said == "ask.context is now 2048.")
        await change(app, "  ")
        await until(lambda: screen.said == "ask.context is now 4096.")


async def test_escape_changes_nothing(app: MiroEdge) -> None:
    async with shown(app):
        screen = await at(app, "ask.context")
        await press(app, "enter")
        await dialog(app)
        await press(app, "1", "escape")
        await until(lambda: app.focused is screen.table)
        assert value_of(app.config, "ask.context") == "4096"


async def test_what_was_changed_elsewhere_is_seen(app: MiroEdge) -> None:
    async with shown(app):
        screen = await settings_screen(app)
        await press(app, "f4")
        await until(lambda: app.current_mode == "libraries" and app.screen.focused is not None)
        await until(lambda: app.screen.table.row_count == 2)  # type: ignore[attr-defined]
        app.screen.point_at("sample")  # type: ignore[attr-defined]
        await press(app, "enter")
        await until(lambda: "sample" in app.config.ask.libraries)
        await press(app, "f6")
        await until(lambda: cells(screen, "ask.libraries")[1] == "ships, sample")


async def test_a_file_that_cannot_be_written_is_said_to_be(app: MiroEdge) -> None:
    async with shown(app):
        screen = await at(app, "ask.context")
        app.home.config.unlink()
        app.home.config.mkdir()
        await change(app, "2048")
        await until(lambda: str(app.home.config) in screen.said and "cannot be" in screen.said)
        assert cells(screen, "ask.context")[1] == "4096"
        assert value_of(app.config, "ask.context") == "4096"


async def test_control_characters_in_the_file_are_spelt_out(app: MiroEdge) -> None:
    ugly = '[ask]\nmodel = "x\\u001b[31m\\u202e"\nlibraries = ["' + "很" * 300 + '"]\n'
    app.home.config.write_text(ugly, encoding="utf-8")
    app.config = load_config(app.home.config)
    async with shown(app, (80, 24)):
        screen = await settings_screen(app)
        assert cells(screen, "ask.model")[1] == "x\\u{1b}[31m\\u{202e}"
        assert cells(screen, "ask.libraries")[1].endswith("…")
        assert "\x1b" not in picture(screen)
        screen.point_at("ask.model")
        await press(app, "enter")
        await dialog(app)
        assert "\x1b" not in picture(app.screen)


async def test_what_another_program_has_set_stays(app: MiroEdge) -> None:
    async with shown(app):
        screen = await at(app, "ask.seed")
        there = load_config(app.home.config)
        servers = {"weather": McpServer(command="weather")}
        ask = there.ask.model_copy(update={"max_calls": 3})
        save_config(there.model_copy(update={"ask": ask, "mcp": servers}), app.home.config)
        await change(app, "7")
        await until(lambda: "ask.seed is now 7" in screen.said)
        app.change_asking(context=2048)
        for values in (load_config(app.home.config), app.config):
            assert (values.ask.seed, values.ask.max_calls, values.ask.context) == (7, 3, 2048)
            assert values.mcp == servers
