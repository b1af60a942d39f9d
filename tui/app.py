"""The application: its screens, what they share, and the commands of the palette."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from edge_agent.errors import AgentError, RunError
from edge_agent.failures import explained
from edge_agent.home import typed_path
from edge_agent.resumption import Limits
from edge_agent.showing import shown
from edge_agent.traces import FORMATS, export
from edge_agent.trajectory import Trajectory

from .dialogs import ChoiceDialog, PromptDialog
from .help_screen import HelpScreen
from .interface import Interface
from .libraries_screen import LibrariesScreen
from .models_screen import ModelsScreen
from .research_screen import ResearchScreen
from .run_thread import Continuation
from .runs_screen import RunsScreen
from .settings_screen import SettingsScreen
from .welcome_screen import WelcomeScreen

_FONT_ELSEWHERE = re.compile(r"@font-face\s*\{[^}]*\}\s*")

_LEAVING = "leaving"
"""The group of the worker that asks whether to leave."""


class MiroEdge(Interface):
    """The terminal interface."""

    TITLE = "miro-edge"
    CSS_PATH = "miro_edge.tcss"
    ENABLE_COMMAND_PALETTE = True
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "research": ResearchScreen,
        "runs": RunsScreen,
        "libraries": LibrariesScreen,
        "models": ModelsScreen,
        "settings": SettingsScreen,
    }
    DEFAULT_MODE = "research"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "keys", "Keys"),
        Binding("f2", "switch_mode('research')", "Research"),
        Binding("f3", "switch_mode('runs')", "Runs"),
        Binding("f4", "switch_mode('libraries')", "Libraries"),
        Binding("f5", "switch_mode('models')", "Models"),
        Binding("f6", "switch_mode('settings')", "Settings"),
        Binding("question_mark", "keys", "Keys", show=False),
        Binding("ctrl+q", "quit", "Leave", show=False, priority=True),
    ]

    async def on_mount(self) -> None:
        """Take the looks from the settings; on a first start, lead through three steps."""
        self.look()
        # Ended from outside, the terminal has to be left as it was.
        with suppress(NotImplementedError, RuntimeError, ValueError):  # in another thread, say
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
        if self.config.ask.model is None and self.default_model.note is not None:
            self.notify(self.default_model.note, markup=False)
        if self.is_first_start:
            await self.push_screen(WelcomeScreen())

    @property
    def is_first_start(self) -> bool:
        """Whether nothing is there yet: no settings, no runs, and the default model is missing."""
        wanted = self.wanted_model
        missing = wanted in {e.name for e in self.models.catalog.models} - {*self.models.names()}
        return missing and not self.home.config.exists() and not self.store.list(1)

    # Runs

    @property
    def research(self) -> ResearchScreen:
        """The screen on which runs happen."""
        screens = (screen for stack in self._screen_stacks.values() for screen in stack)
        (research,) = (screen for screen in screens if isinstance(screen, ResearchScreen))
        return research

    @property
    def run_goes_on(self) -> bool:
        """Whether a run goes on."""
        return self.research.running

    def suggest(self, question: str) -> None:
        """Put a question into the line, to be asked with Enter."""
        self.research.suggest(question)

    async def open_run(self, run: str) -> None:
        """Show a stored run on the research screen."""
        await self.switch_mode("research")
        self.research.open_run(run)

    async def resume(self, run: str) -> None:
        """Go on with a stored run, with more calls if wanted."""
        try:
            before = Trajectory.of(self.store.events(run))
        except RunError as error:
            self.notify(shown(str(error)), severity="error", markup=False)
            return
        made = len(before.calls)
        usual = before.max_calls if made < before.max_calls else 2 * before.max_calls
        calls = await self.push_screen_wait(
            PromptDialog(
                f"Go on with this run. It made {made} of {before.max_calls} tool calls. "
                "Most calls from now on:",
                str(usual),
                _whole_number_fault,
            )
        )
        if calls is None:
            return
        await self.switch_mode("research")
        task = Continuation(run, Limits(calls=int(calls)), self.config.ask)
        self.research.begin(task)

    async def export(self, run: str) -> None:
        """Ask for a format and a file, and write a run there."""
        choices = [(name, f"{name}: {each.about}") for name, each in FORMATS.items()]
        form = await self.push_screen_wait(ChoiceDialog("Write the run down as", choices))
        if form is None:
            return
        proposed = Path.cwd() / f"{run}.{FORMATS[form].suffix}"
        name = await self.push_screen_wait(
            PromptDialog("Into which file?", str(proposed), _file_fault)
        )
        if name is None:
            return
        path = typed_path(name)
        try:
            text = export(form, *self.store.timeline(run))
            path.write_text(text, encoding="utf-8")
        except (AgentError, OSError) as error:
            self.notify(shown(explained(error) or str(error)), severity="error", markup=False)
        else:
            self.notify(f"Written to {shown(str(path))}", markup=False)

    # Commands

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """Return the screen as a picture that loads nothing: Rich's names a font elsewhere."""
        picture = super().export_screenshot(title=title, simplify=simplify)
        return _FONT_ELSEWHERE.sub("", picture)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every key of the screen, and the other screens, in the palette."""
        yield SystemCommand("Picture", "Save the screen as SVG", self.deliver_screenshot)
        for active in screen.active_bindings.values():
            binding = active.binding
            offered = binding.description and not binding.action.startswith("command_palette")
            if offered and isinstance(active.node, (App, Screen)) and active.enabled:
                yield SystemCommand(
                    binding.description,
                    f"Key: {self.get_key_display(binding)}",
                    self._doing(active.node, binding.action),
                )

    def _doing(self, node: App[None] | Screen[object], action: str) -> Callable[[], object]:
        async def do() -> None:
            await self.run_action(action, node)

        return do

    def action_keys(self) -> None:
        """List the keys."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    async def action_quit(self) -> None:
        """Leave; where that breaks something off, a run or other work, ask first."""
        if not self.research.unfinished and not self.unfinished_work:
            self.exit()
        elif all(worker.group != _LEAVING for worker in self.workers):  # else it is asked already
            self.run_worker(self._leave(), group=_LEAVING)

    async def _leave(self) -> None:
        goes_on = [f"{work.job.doing} goes on. {work.job.left}" for work in self.unfinished_work]
        choices = [("stay", "Stay"), ("leave", "Stop it and leave")]
        if self.research.unfinished:
            goes_on.insert(0, "A run goes on. It is stored, and can be gone on with later.")
            choices = [
                ("stay", "Stay"),
                ("leave", "Stop it and leave: miro-edge runs resume goes on with the run"),
                ("answer", "Stay, and have it answer now"),
            ]
        choice = await self.push_screen_wait(ChoiceDialog("\n".join(goes_on), choices))
        if choice == "leave":
            self.research.action_stop()
            self.exit()
        elif choice == "answer":
            self.research.action_answer_now()


def _whole_number_fault(text: str) -> str | None:
    return None if text.strip().isdecimal() and int(text) > 0 else "Write a whole number, from 1."


def _file_fault(text: str) -> str | None:
    if not text.strip():
        return "Write the name of a file."
    try:
        path = typed_path(text)
        is_there, can_be_there = path.exists(), path.parent.is_dir() and not path.is_dir()
    except (OSError, ValueError) as error:
        return f"That cannot be a file: {error}."
    if not can_be_there:
        return f"{path} cannot be a file: its folder has to exist, and it must not be one itself."
    return f"{path} exists already. Use another name." if is_there else None
