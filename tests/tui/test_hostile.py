"""The terminal interface over hostile runs: what is drawn is text, and no click does anything."""

from __future__ import annotations

import shutil
from contextlib import closing

import pytest
from injections import INJECTIONS
from rich.segment import Segment
from scripted_app import press
from scripted_app import shown as shown_app
from seen import GROUPS, hostile_run, raw, together
from textual.color import Color
from textual.widgets import Static

from edge_agent.events import EvidenceAdded
from edge_agent.home import Home
from edge_agent.index import Library
from edge_agent.runs import RunStore
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.filters import ONLY_TEXT

RUNS = {group: f"20200101-00000{n}-0000" for n, group in enumerate(GROUPS)}


def drawn(app: MiroEdge) -> list[Segment]:
    """Return all that is sent to the terminal for the screen as it is."""
    strips = app.screen._compositor.render_strips()
    return [segment for strip in strips for segment in strip]


def check(app: MiroEdge) -> str:
    """Check that what is drawn is only text, and leads nowhere; return it."""
    segments = drawn(app)
    for segment in segments:
        assert raw(segment.text) == set(), repr(segment.text)
        assert segment.control is None
        if segment.style is not None:
            assert segment.style.link is None
            action = str(segment.style.meta.get("@click", ""))
            assert "quit" not in action
            assert "bell" not in action
    return "".join(segment.text for segment in segments)


@pytest.mark.parametrize("group", ["protocol", "terminal", "markup"])
async def test_a_hostile_run_is_only_text(group: str, app: MiroEdge, place: Home) -> None:
    texts = [*GROUPS[group].values()]
    events = hostile_run(together(texts), RUNS[group])
    with closing(RunStore(place.runs)) as store:
        for _ in store.record(iter(events)):
            pass
    keys = [str(event.key) for event in events if isinstance(event, EvidenceAdded)][:2]
    async with shown_app(app) as pilot:
        await app.switch_mode("runs")
        await pilot.pause()
        check(app)
        await app.open_run(RUNS[group])
        await pilot.pause()
        check(app)
        await press(app, "escape")
        for key in ("v", *keys, "t", "down", "enter", "e", "enter"):
            await press(app, key)
            await pilot.pause()
            check(app)
        assert app.is_running


async def test_a_widget_that_is_given_a_text_as_it_came_steers_nothing(app: MiroEdge) -> None:
    async with shown_app(app) as pilot:
        for texts in GROUPS.values():
            app.notify(together([*texts.values()])[:1_500], markup=False)
            app.research.query_one("#status", Static).update(" ".join(texts.values())[:1_500])
            await pilot.pause()
            text = "".join(segment.text for segment in drawn(app))
            assert raw(text) <= {"0x200c", "a row of selectors"}  # they hide, and steer nothing


async def test_hostile_titles_names_and_failures_are_only_text(app: MiroEdge, place: Home) -> None:
    folder = place.root / "files"
    folder.mkdir(parents=True)
    for number, text in enumerate(INJECTIONS.values()):
        (folder / f"{number}.md").write_text(f"# {text}\n\nThe walrus. {text[:900]}", "utf-8")
        (folder / f"{number} \x1b[2J\u202e.pdf").write_bytes(b"%PDF-1.7")
    with closing(Library(place.libraries / "evil")) as made:
        made.add([folder])
    async with shown_app(app) as pilot:
        await app.switch_mode("libraries")
        await pilot.pause()
        screen = app.screen
        for key in ("down", "o", "slash", *"walrus", "enter"):
            await press(app, key)
        await pilot.pause(0.5)
        check(app)
        for text in list(INJECTIONS.values())[::12]:
            screen.fail(RuntimeError(text[:500]))  # type: ignore[attr-defined]
            await pilot.pause()
            check(app)
    shutil.rmtree(folder)


def test_the_last_filter_takes_out_what_steers_and_keeps_what_textual_says() -> None:
    segments = [Segment(text) for text in INJECTIONS.values()]
    for segment in ONLY_TEXT.apply(segments, Color(0, 0, 0)):
        assert not {"\x1b", "\x9b", "\x07", "\u202e", "\x00", "\n"} & set(segment.text)
    kept = [Segment("می‌خواهم 👩‍🔬 ─│", None), Segment("\x1b[2J", None, [(1,)])]  # type: ignore[list-item]
    assert ONLY_TEXT.apply(kept, Color(0, 0, 0)) == kept
