"""Makes the pictures in the README: the interface, filled from the run that its tests replay.

.venv/bin/python scripts/pictures/make.py
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.widgets import Input, OptionList

from edge_agent.config import AskSettings, Config, InterfaceSettings, save_config
from edge_agent.events import from_record
from edge_agent.home import Home
from edge_agent.index import Shelf, sample_folder
from edge_agent.runs import RunStore
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.evidence_list import EvidenceList
from edge_agent.tui.libraries_screen import LibrariesScreen
from edge_agent.tui.reader import Reader

HERE = Path(__file__).parent
RUN = HERE.parents[1] / "tests" / "tui" / "recorded_run.json"
SIZE = (120, 34)
PLACE, NO_BREAK = "/library/sample", "\u00a0"
"""What stands for the folder of this checkout, and fills the rest of its place."""


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    while not holds():
        await asyncio.sleep(0.02)


async def drawn(reader: Reader, text: str) -> None:
    """Wait until a reader has drawn a page with some text."""
    await until(lambda: text in reader.page and reader.is_drawn)
    await asyncio.sleep(0.2)  # for the screen to follow


async def answer(app: MiroEdge) -> None:
    """A run that was answered."""
    await app.open_run(app.store.list()[0].id)
    await drawn(app.research.query_one("#reader", Reader), "Portsmouth")


async def trajectory(app: MiroEdge) -> None:
    """The same run, played up to its second search."""
    await answer(app)
    app.research.action_pause()
    while app.research.query_one(EvidenceList).option_count < 8:
        app.research.action_step()
    await drawn(app.research.query_one("#reader", Reader), "Step 2")


async def libraries(app: MiroEdge) -> None:
    """A search by hand in the sample library."""
    await app.switch_mode("libraries")
    screen = app.screen
    assert isinstance(screen, LibrariesScreen)
    line = screen.query_one("#search", Input)
    line.focus()
    line.value = "Who designed the Forth Bridge?"
    await until(lambda: app.focused is line)
    app.simulate_key("enter")
    await drawn(screen.query_one("#found", Reader), "Forth Bridge")


async def export(app: MiroEdge) -> None:
    """The choice of a format to export to."""
    await answer(app)
    app.simulate_key("w")
    await until(lambda: bool(app.screen.query(OptionList)) and len(app.screen_stack) > 1)
    await asyncio.sleep(0.2)


PICTURES: dict[str, tuple[str, Callable[[MiroEdge], Awaitable[None]]]] = {
    "answer": ("dark", answer),
    "trajectory": ("light", trajectory),
    "libraries": ("dark", libraries),
    "export": ("contrast", export),
}
"""Of each picture its theme, and what is to be seen."""


async def picture(home: Home, theme: str, scene: Callable[[MiroEdge], Awaitable[None]]) -> str:
    """Return a picture of the interface."""
    looks = InterfaceSettings.model_validate({"theme": theme, "motion": False})
    save_config(Config(ask=AskSettings(offline=True), tui=looks), home.config)
    app = MiroEdge(home)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await scene(app)
        drawing = app.export_screenshot(title="miro-edge")
    app.close()
    return drawing


def main() -> None:
    """Make the pictures anew."""
    events = [from_record(record) for record in json.loads(RUN.read_text())["events"]]
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        store = RunStore(home.runs)
        for _ in store.record(iter(events)):
            pass
        store.close()
        Shelf(home.libraries).resolve("sample").close()
        place = str(sample_folder() / "documents")
        for name, (theme, scene) in PICTURES.items():
            path = HERE / f"{name}.svg"
            drawing = asyncio.run(picture(home, theme, scene))
            path.write_text(
                drawing.replace(place, PLACE.ljust(len(place), NO_BREAK)), encoding="utf-8"
            )
            print(path.relative_to(HERE.parents[1]), file=sys.stderr)


if __name__ == "__main__":
    main()
