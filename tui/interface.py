"""The application as its screens know it: what they share, and where they can lead."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from multiprocessing import resource_tracker
from typing import cast

from textual.app import App
from textual.filter import LineFilter
from textual.screen import Screen
from textual.signal import Signal

from edge_agent.config import Config, load_config, save_config
from edge_agent.home import Home
from edge_agent.index import without_current_folder
from edge_agent.models import ModelStore, remote_model
from edge_agent.profiles import Profile, load_profile
from edge_agent.provisioning import DefaultModel
from edge_agent.runs import RunStore

from .background import Background
from .filters import ASCII_FRAME, NO_COLOR, ONLY_TEXT
from .run_thread import RunThread
from .stoppable_thread import StoppableThread
from .themes import THEMES
from .workbench import Workbench

_PATIENCE = 10.0
"""Seconds that runs and other work are given to end when the interface does, and to clean up."""


class Interface(App[None]):
    """Settings, stores and the workbench; the application adds the screens."""

    def __init__(self, home: Home) -> None:
        """Open what lies under `home`. Raises ConfigError, RunError."""
        super().__init__()
        # Documents are read by processes. Starting the first one asks standard error for its file
        # descriptor, which has none while the interface is shown: so this is done before.
        with without_current_folder():
            resource_tracker.ensure_running()
        self.home = home
        self.config: Config = load_config(home.config)
        self.store = RunStore(home.runs)
        self.models = ModelStore(home.models)
        self.workbench = Workbench(home)
        self.last_run: RunThread | None = None
        """The thread of the run that was begun last."""
        self._background: list[Background] = []
        self.config_changed: Signal[Config] = Signal(self, "config changed")
        for theme in THEMES:
            self.register_theme(theme)

    def close(self) -> None:
        """Let go of everything, after the interface has ended; what goes on is stopped."""
        threads: list[StoppableThread] = [*self._background]
        if self.last_run is not None:
            threads.append(self.last_run)
        for thread in threads:
            thread.stop()
        deadline = time.monotonic() + _PATIENCE
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.store.close()

    # Work in the background

    def begin_work(self, work: Background) -> None:
        """Start work, and remember it: who leaves is asked first, and waits for it to clean up."""
        self._background = [each for each in self._background if each.is_alive()]
        self._background.append(work)
        work.start()

    @property
    def unfinished_work(self) -> tuple[Background, ...]:
        """What leaving would break off: what is being done, and was not stopped already."""
        return tuple(each for each in self._background if each.is_alive() and not each.stopping)

    # Settings

    @property
    def default_model(self) -> DefaultModel:
        """The model for questions where none is set."""
        return self.workbench.default_model(self.models, offline=self.config.ask.offline)

    @property
    def wanted_model(self) -> str:
        """The model that answers questions, by name, path or address."""
        return self.config.ask.model or self.default_model.name

    def profile_in_use(self) -> Profile:
        """Return how the model that answers questions is led: as is set, or by its own profile.

        Raises ProfileError, and ModelError where there is no such model.
        """
        return load_profile(self.config.ask.profile or self._own_profile())

    def _own_profile(self) -> str:
        """Return the name of the wanted model's own profile, known also before it is pulled."""
        model = (
            self.models.catalog.find(self.wanted_model)
            or remote_model(self.wanted_model)
            or self.models.resolve(self.wanted_model)
        )
        assert model is not None  # only those of the catalogue may have to be pulled
        return model.profile

    def change(self, change: Callable[[Config], Config]) -> None:
        """Change settings, and use them from now on. Raises ConfigError.

        What is changed are those in the file: another program may have changed others meanwhile.
        """
        config = change(load_config(self.home.config))
        save_config(config, self.home.config)
        self.config = config
        self.look()
        self.config_changed.publish(config)

    def change_asking(self, **values: object) -> None:
        """Ask with other settings from now on, those of `ask` by name. Raises ConfigError."""

        def change(config: Config) -> Config:
            return config.model_copy(update={"ask": config.ask.model_copy(update=values)})

        self.change(change)

    def look(self) -> None:
        """Look as the settings say."""
        interface = self.config.tui
        self.theme = interface.theme
        self.animation_level = "full" if interface.motion else "none"
        self.set_class(interface.ascii, "-ascii")
        self.refresh_css(animate=False)  # what is drawn already has passed other filters

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what lines pass on their way to the terminal, colours last."""
        filters = [ONLY_TEXT, *super().get_line_filters()]
        if self.config.tui.ascii:
            filters.append(ASCII_FRAME)
        if self.no_color:
            filters.append(NO_COLOR)
        return filters

    # What the application adds

    @property
    def run_goes_on(self) -> bool:
        """Whether a run goes on."""
        raise NotImplementedError

    def suggest(self, question: str) -> None:
        """Put a question into the line, to be asked with Enter."""
        raise NotImplementedError

    async def open_run(self, run: str) -> None:
        """Show a stored run on the research screen. Raises RunError."""
        raise NotImplementedError

    async def resume(self, run: str) -> None:
        """Go on with a stored run, with more calls if wanted."""
        raise NotImplementedError

    async def export(self, run: str) -> None:
        """Ask for a format and a file, and write a run there."""
        raise NotImplementedError


class MiroScreen(Screen[None]):
    """A screen of this application."""

    @property
    def miro(self) -> Interface:
        """The application."""
        return cast(Interface, self.app)
