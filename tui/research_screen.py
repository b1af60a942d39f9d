"""Research: ask, watch the trajectory grow, steer it, stop it, and read the answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from textual import on, work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Input, Static

from edge_agent.config import Config
from edge_agent.errors import RunError
from edge_agent.events import (
    Event,
    RunFinished,
    StepMeasured,
    TextAppeared,
    TurnFinished,
    TurnStarted,
)
from edge_agent.messages import too_late
from edge_agent.resumption import Limits
from edge_agent.showing import in_one_line, shown
from edge_agent.traces.account import answer_in_words

from .dialogs import ChoiceDialog
from .evidence_list import EvidenceList
from .gauges_panel import GaugesPanel
from .key_line import KeyLine
from .pages import answer_page, node_page, passage_page, welcome_page
from .reader import Reader
from .replay import Replay
from .replay_screen import REPLAY_KEYS, ReplayScreen
from .run_thread import (
    Continuation,
    EventsReady,
    NewRun,
    Remark,
    RunOver,
    RunTask,
    RunThread,
)
from .run_view import RunView
from .signs import signs
from .stoppable_thread import Progressed
from .title_bar import TitleBar
from .trajectory_tree import TrajectoryTree


@dataclass(slots=True)
class _ShownRun:
    """The run that is on the screen, as far as it has come, and what is shown of it."""

    question: str = ""
    """What was asked here, to be put back into the line should nothing be kept of it."""
    view: RunView = field(default_factory=RunView)
    replay: Replay | None = None
    """Plays it again, where it is a stored one."""
    preparing: str = ""
    """What is got ready before the first event."""
    failure: str = ""
    """How it broke off."""
    interrupts: int = 0
    """How often Ctrl+C was pressed."""
    turn: str = ""
    """The title of the turn that is being written, or was last."""
    copyable: str = ""
    """What the reader shows, to be put on the clipboard."""
    browsing: bool = False
    """Whether something was opened by hand, which what the model writes must not push away."""
    unmeasured: float = 0.0
    """Seconds worked since the run last said how long it has taken."""


class ResearchScreen(ReplayScreen):
    """The screen on which runs happen."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (160, "-very-wide")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f7", "pause", "Pause"),
        Binding("f8", "answer_now", "Answer now"),
        Binding("f9", "stop", "Stop"),
        Binding("p", "pause", "Pause, go on, or play again", show=False),
        Binding("a", "answer_now", "Answer now", show=False),
        Binding("x", "stop", "Stop; it can be gone on with", show=False),
        Binding("ctrl+c", "interrupt", "Answer now, then stop", show=False),
        Binding("f", "fork", "Fork from the step", show=False),
        Binding("g", "go_on", "Go on with the run", show=False),
        Binding("w", "export", "Export", show=False),
        Binding("c", "copy", "Copy what is shown", show=False),
        Binding("n", "new", "New question", show=False),
        Binding("i", "focus_part('line')", "To the line below", show=False),
        Binding("t", "focus_part('trajectory')", "To the trajectory", show=False),
        Binding("r", "focus_part('reader')", "To the reader", show=False),
        Binding("e", "focus_part('evidence')", "To the evidence", show=False),
        Binding("v", "show_answer", "Show the answer, or what is being written", show=False),
        Binding("escape", "focus_part('trajectory')", "Leave the line", show=False),
        *REPLAY_KEYS,
        *(
            Binding(str(key), f"follow({key})", "Follow a citation by its number", show=False)
            for key in range(1, 10)
        ),
    ]

    def __init__(self) -> None:
        """Begin with nothing asked."""
        super().__init__()
        self._thread: RunThread | None = None
        self._shown = _ShownRun()
        self._ticked = time.monotonic()
        self._usable = (False, False)
        """What decides which keys can be used, when they were last drawn."""

    def compose(self) -> ComposeResult:
        """Lay out trajectory, reader, evidence and the line."""
        yield TitleBar("Research")
        with Container(id="panes"):
            yield TrajectoryTree(id="trajectory")
            yield Reader(id="reader")
            with Vertical(id="side"):
                yield GaugesPanel(id="gauges")
                yield EvidenceList(id="evidence")
        yield Static("", id="status", markup=False)
        yield Input(placeholder="Ask a question", id="line")
        yield KeyLine()

    def on_mount(self) -> None:
        """Name the panes, and wait for a question."""
        self._take_signs(self.miro.config)
        self.miro.config_changed.subscribe(self, self._take_signs)
        self._tree.border_title = "Trajectory"
        self.query_one("#reader", Reader).border_title = "Reader"
        self.query_one("#side").border_title = "Evidence"
        self.set_interval(1, self._tick)
        self._reader.show(welcome_page())
        self.query_one("#line", Input).focus()
        self.show_state()

    def _take_signs(self, config: Config) -> None:
        self._gauges.signs = self._evidence.signs = signs(ascii_only=config.tui.ascii)
        self._gauges.refresh()

    @property
    def _tree(self) -> TrajectoryTree:
        return self.query_one("#trajectory", TrajectoryTree)

    @property
    def _reader(self) -> Reader:
        return self.query_one("#reader", Reader)

    @property
    def _evidence(self) -> EvidenceList:
        return self.query_one("#evidence", EvidenceList)

    @property
    def _gauges(self) -> GaugesPanel:
        return self.query_one("#gauges", GaugesPanel)

    @property
    def replay(self) -> Replay | None:
        """The replay of the run that is shown, where that is a stored one."""
        return self._shown.replay

    @property
    def running(self) -> bool:
        """Whether a run goes on here."""
        return self._thread is not None

    @property
    def unfinished(self) -> bool:
        """Whether leaving would break a run off; its thread may outlive its last event a little."""
        return self.running and self._shown.view.finished is None

    @property
    def run(self) -> str | None:
        """The id of the run that is shown, if one is."""
        return None if self._shown.view.started is None else self._shown.view.started.run

    # What is typed

    @on(Input.Submitted, "#line")
    def take_line(self, event: Input.Submitted) -> None:
        """Ask a question, or say something to the run that goes on."""
        text = " ".join(event.value.split())
        if not text:
            return
        if not self.running:
            self.begin(NewRun(text, self.miro.config.ask))
        elif not self._told(text):
            return  # it can be sent once more
        event.input.clear()

    def suggest(self, question: str) -> None:
        """Put a question into the line, to be asked with Enter."""
        line = self.query_one("#line", Input)
        line.value = question
        line.focus()

    def _told(self, text: str) -> bool:
        """Say something to the run that goes on; return whether that was possible."""
        if self.run is None:
            self.notify("The run has not begun yet. Say it again in a moment.", severity="warning")
            return False
        try:
            self.miro.store.tell(self.run, text)
        except RunError as error:
            self.notify(shown(str(error)), severity="error", markup=False)
            return False
        self.notify("The model will hear it before its next step.", markup=False)
        return True

    # Runs

    def begin(self, task: RunTask) -> None:
        """Have a thread carry out a task, and show what happens."""
        if self.running:
            self.notify("A run goes on. Stop it first, or wait for its end.", severity="warning")
            return
        self._start_again()
        if isinstance(task, Continuation):
            self.show_all(self.miro.store.events(task.run))
        if isinstance(task, NewRun):
            self._shown.question = task.text
        self._thread = self.miro.last_run = RunThread(task, self.miro.workbench, self.post_message)
        self._thread.start()
        self.show_state()

    def open_run(self, run: str) -> None:
        """Show a stored run from its beginning to its end; `p` plays it again. Raises RunError."""
        if self.running:
            self.notify("A run goes on. Stop it first, or wait for its end.", severity="warning")
            return
        replay = Replay(*self.miro.store.timeline(run))
        self._start_again()
        self._shown.replay = replay
        self.show_all(replay.rest())
        self._tree.focus()
        self.show_state()

    def _start_again(self) -> None:
        self._shown = _ShownRun()
        self.show_beginning()
        self._reader.show("")

    def show_beginning(self) -> None:
        """Show the run as it was before its first event."""
        self._shown.view = RunView()
        self._tree.start_again()
        self._evidence.clear_options()

    @on(EventsReady)
    def show_events(self) -> None:
        """Show the events that have come."""
        if self._thread is not None:
            self._shown.preparing = ""
            for event in self._thread.take_events():
                self.show_event(event)
            self.show_state()

    @on(Progressed)
    def show_preparation(self, message: Progressed) -> None:
        """Say what is got ready."""
        self._shown.preparing = str(message)
        self.show_state()

    @on(Remark)
    def make_remark(self, message: Remark) -> None:
        """Say what whoever asks should know; the line of state would soon say something else."""
        self.notify(shown(message.text), severity="warning", markup=False)

    @on(RunOver)
    def end_run(self, message: RunOver) -> None:
        """Show how it ended; a failure is told in words, with what to do."""
        thread, self._thread = self._thread, None
        if thread is not None:
            for event in thread.take_events():
                self.show_event(event)
            if thread.stopping:
                going_on = "" if self.run is None else " It can be gone on with: press g."
                self._shown.failure = f"Stopped.{going_on}"
            elif message.failure is None:
                self._give_back()
        if self.run is None and self._shown.question and not self.query_one("#line", Input).value:
            self.suggest(self._shown.question)  # nothing of it is kept elsewhere
        self._shown.preparing = ""
        if message.failure is not None:
            self._shown.failure = message.failure
            self.notify(shown(message.failure), title="The run broke off", severity="error",
                        timeout=30, markup=False)  # fmt: skip
        self.show_state()

    def _give_back(self) -> None:
        """Put into the line again what was told to a run that has ended before it heard it."""
        assert self.run is not None
        told = " ".join(text for _, text in self.miro.store.unheard(self.run))
        if not told:
            return
        line = self.query_one("#line", Input)
        if not line.value:
            line.value = told
        self.notify(shown(too_late(told)), severity="warning", timeout=30, markup=False)

    def show_all(self, events: Sequence[Event]) -> None:
        """Show many events at once; of the pages only the last one."""
        for event in events:
            self._shown.view.apply(event)
            self._tree.apply(event)
        self._show_figures()
        if self._shown.view.finished is not None:
            self._show_answer(self._shown.view.finished)
        elif events:
            self._reader.show("This run has not ended. Press `g` to go on with it.")

    def show_event(self, event: Event) -> None:
        """Show an event."""
        self._shown.view.apply(event)
        if isinstance(event, TextAppeared):
            self._reader.write(event.text)
            return
        self._tree.apply(event)
        if isinstance(event, StepMeasured | RunFinished):
            self._shown.unmeasured = 0.0
        if isinstance(event, TurnStarted):
            self._shown.turn = f"Step {event.step}"
            if not self._shown.browsing:
                self._reader.begin_turn(self._shown.turn)
        elif isinstance(event, TurnFinished):
            self._reader.end_turn(event.text)
        elif isinstance(event, RunFinished):
            self._show_answer(event)
        self._show_figures()

    def _tick(self) -> None:
        """Let the time go on between two measurements, but in a pause."""
        now = time.monotonic()
        if self._thread is not None and not self._thread.paused and self._shown.view.running:
            self._shown.unmeasured += now - self._ticked
            self._show_figures()
        self._ticked = now

    def _show_figures(self) -> None:
        gauges = self._shown.view.gauges
        self._gauges.gauges = replace(gauges, seconds=gauges.seconds + self._shown.unmeasured)
        cards = map(self._shown.view.card, self._shown.view.take_changed())
        self._evidence.put([card for card in cards if card is not None])

    def _show_answer(self, finished: RunFinished) -> None:
        assert self._shown.view.started is not None
        self._shown.browsing = False
        self._shown.copyable = answer_in_words(finished)
        self._reader.show(answer_page(self._shown.view.started, finished))

    def show_state(self) -> None:
        """Say in one line what is going on."""
        self.query_one("#status", Static).update(in_one_line(self._state()))
        line = self.query_one("#line", Input)
        line.placeholder = "Say something to the model" if self.running else "Ask a question"
        self.query_one("#side").border_title = f"Evidence: {self._evidence.option_count}"
        self._tree.border_title = f"Trajectory: {self._shown.view.step} steps"
        usable = (self.running, self.replay is not None)
        if usable != self._usable:  # drawing the keys anew takes its time
            self._usable = usable
            self.refresh_bindings()

    def _state(self) -> str:
        thread = self._thread
        if thread is None and self.replay is not None:
            place, total = self.replay.position
            pace = f"Playing, {self.replay.speed} times" if self.replay.playing else "Replay"
            return f"{pace}: event {place} of {total}. {self._shown.view.doing}"
        if thread is None:
            return self._shown.failure or self._shown.view.doing
        if thread.stopping:
            return f"Stopping. {self._shown.view.doing}"
        if thread.paused:
            return f"Paused. {self._shown.view.doing}"
        now = self._shown.preparing or self._shown.view.doing
        return f"Answering from what was found. {now}" if thread.answering else now

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tell which keys can be used now."""
        if action in ("answer_now", "stop"):
            return True if self.running else None
        if action == "pause":
            return True if self.running or self.replay is not None else None
        return super().check_action(action, parameters)

    def action_pause(self) -> None:
        """Pause or go on; a stored run is played again."""
        if self._thread is not None:
            if self._thread.paused:
                self._thread.go_on()
            else:
                self._thread.pause()
        else:
            self.play_or_pause()
        self.show_state()

    def action_answer_now(self) -> None:
        """Have it answer from what it has found."""
        if self._thread is not None:
            self._thread.answer_now()
            self.show_state()

    def action_stop(self) -> None:
        """End the run at once; it can be gone on with."""
        if self._thread is not None:
            self._thread.stop()
            self.show_state()

    def action_interrupt(self) -> None:
        """Answer now, and the second time stop, as Ctrl+C does on the command line."""
        if self._thread is None:
            raise SkipAction
        self._shown.interrupts += 1
        if self._shown.interrupts == 1:
            self.action_answer_now()
        else:
            self.action_stop()

    @work
    async def action_fork(self) -> None:
        """Go another way from the step under the cursor, in a new run."""
        run, step = self.run, self._tree.selected_step
        if run is None or self.running:
            self.notify("Fork a run that is not going on: open one, or stop this one first.")
            return
        sure = ChoiceDialog(
            f"Go another way from step {step}, in a new run?",
            [("yes", f"Yes, fork from step {step}"), ("no", "No")],
        )
        if await self.app.push_screen_wait(sure) != "yes":
            return
        try:
            forked = self.miro.store.fork(run, step)
        except RunError as error:
            self.notify(shown(str(error)), severity="error", markup=False)
            return
        self.begin(Continuation(forked, Limits(), self.miro.config.ask))

    @work
    async def action_go_on(self) -> None:
        """Go on with the run that is shown."""
        if self.run is None or self.running:
            self.notify("There is no run here to go on with.", severity="warning")
            return
        await self.miro.resume(self.run)

    @work
    async def action_export(self) -> None:
        """Write the run into a file."""
        if self.run is None:
            self.notify("There is no run here to export.", severity="warning")
            return
        await self.miro.export(self.run)

    def action_copy(self) -> None:
        """Put what the reader shows on the clipboard."""
        if self._shown.copyable:
            self.app.copy_to_clipboard(self._shown.copyable)
            self.notify("Copied.")

    def action_new(self) -> None:
        """Clear the screen for a new question."""
        if not self.running:
            self._start_again()
            self._reader.show(welcome_page())
            self.show_state()
        self.action_focus_part("line")

    def action_focus_part(self, part: str) -> None:
        """Go to a part of the screen."""
        self.query_one(f"#{part}").focus()

    def action_show_answer(self) -> None:
        """Show the answer again, or what the model is writing."""
        self._shown.browsing = False
        if self._shown.view.finished is not None:
            self._show_answer(self._shown.view.finished)
        elif self._shown.turn:
            self._reader.begin_turn(self._shown.turn)

    def action_follow(self, key: int) -> None:
        """Show the passage with a key."""
        self._show_passage(key)

    @on(Reader.Followed)
    def follow_citation(self, message: Reader.Followed) -> None:
        """Show the passage that a citation leads to."""
        self._show_passage(message.key)

    @on(EvidenceList.Opened)
    def open_passage(self, message: EvidenceList.Opened) -> None:
        """Show a passage in full."""
        self._show_passage(message.key)

    def _show_passage(self, key: int) -> None:
        card = self._shown.view.card(key)
        if card is None:
            self.notify(f"No passage has the key [{key}].", severity="warning", markup=False)
            return
        self._evidence.point_at(key)
        self._shown.copyable, self._shown.browsing = card.evidence.text, True
        self._reader.show(passage_page(card))

    @on(TrajectoryTree.Opened)
    def open_node(self, message: TrajectoryTree.Opened) -> None:
        """Show in full what happened."""
        if message.node.text:
            self._shown.copyable, self._shown.browsing = message.node.text, True
            self._reader.show(node_page(message.node))
