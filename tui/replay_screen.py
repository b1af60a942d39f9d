"""What a screen needs to play a stored run again: the keys, and the clock it goes by."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding
from textual.widgets import Input

from edge_agent.events import Event

from .interface import MiroScreen
from .replay import Replay

_FRAME = 0.05
"""Seconds between two looks at a replay."""

REPLAY_KEYS = (
    Binding("plus,equals_sign", "faster", "Replay faster", show=False),
    Binding("minus", "slower", "Replay slower", show=False),
    Binding("full_stop", "step", "Replay one event", show=False),
    # First of all: the tree, which has the focus when a run was opened, takes the key itself.
    Binding("end", "replay_all", "Replay to the end", show=False, priority=True),
)
"""The screen puts them among its own, where they are to be listed."""


class ReplayScreen(MiroScreen):
    """Plays a stored run again; how the run is shown the screen itself knows."""

    def on_mount(self) -> None:
        """Start the clock."""
        self.set_interval(_FRAME, self._play)

    def _play(self) -> None:
        if self.replay is not None and self.replay.playing:
            self._show_each(self.replay.advance(_FRAME))

    def _show_each(self, events: Sequence[Event]) -> None:
        for event in events:
            self.show_event(event)
        self.show_state()

    # What the screen adds

    @property
    def replay(self) -> Replay | None:
        """The replay of the run that is shown, where that is a stored one."""
        raise NotImplementedError

    def show_event(self, event: Event) -> None:
        """Show an event."""
        raise NotImplementedError

    def show_all(self, events: Sequence[Event]) -> None:
        """Show many events at once; of the pages only the last one."""
        raise NotImplementedError

    def show_state(self) -> None:
        """Say in one line what is going on."""
        raise NotImplementedError

    def show_beginning(self) -> None:
        """Show the run as it was before its first event."""
        raise NotImplementedError

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tell which keys can be used now."""
        if action == "replay_all":
            left = self.replay is not None and not self.replay.ended
            return True if left and not isinstance(self.focused, Input) else None
        return True

    def play_or_pause(self) -> None:
        """Play or stand still; play again what was played to its end."""
        if self.replay is None:
            return
        if self.replay.ended:
            self.show_beginning()
            self.replay.restart()
        else:
            self.replay.playing = not self.replay.playing

    def action_faster(self) -> None:
        """Play faster."""
        if self.replay is not None:
            self.replay.faster()
            self.show_state()

    def action_slower(self) -> None:
        """Play slower."""
        if self.replay is not None:
            self.replay.slower()
            self.show_state()

    def action_step(self) -> None:
        """Play one event."""
        if self.replay is not None:
            self.replay.playing = False
            self._show_each(self.replay.step())

    def action_replay_all(self) -> None:
        """Play all that is left."""
        if self.replay is not None:
            self.show_all(self.replay.rest())
            self.show_state()
