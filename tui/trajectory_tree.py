"""The trajectory as a tree: steps, and in each of them what happened; every node opens in full."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from edge_agent.events import (
    AttemptStarted,
    Event,
    RunFinished,
    RunResumed,
    TextAppeared,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
)
from edge_agent.protocol import parse
from edge_agent.showing import in_one_line, shown
from edge_agent.traces.lines import Line, call_not_made, told

_LABEL = 120
"""Most characters of a label: a tree cuts lines where it is wide enough for them."""


@dataclass(frozen=True, slots=True)
class Node:
    """What a node stands for: something that happened in a step, and its text in full."""

    step: int
    title: str
    text: str


class TrajectoryTree(Tree[Node]):
    """Grows with the events of a run; the step that is going on is open, those before it close."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "open", "Open", show=False),
        Binding("left,h", "shut", "Close", show=False),
    ]

    class Opened(Message):
        """A node is to be shown in full."""

        def __init__(self, node: Node) -> None:
            """Tell which."""
            super().__init__()
            self.node = node

    def __init__(self, *, id: str | None = None) -> None:
        """Begin empty."""
        super().__init__("Run", id=id)
        self.show_root = False
        self.guide_depth = 2
        self.auto_expand = False
        self._part: TreeNode[Node] | None = None
        self._turn: TurnFinished | None = None
        self._called = False
        self._in_step = True
        """Whether the last node is a step's, or one that nothing more belongs to."""

    def start_again(self) -> None:
        """Forget the run that was shown."""
        self.clear()
        self._part, self._turn, self._called = None, None, False

    def apply(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, TextAppeared):
            return
        if isinstance(event, TurnStarted):
            self._begin(event.step, f"{event.step}")
        elif isinstance(event, AttemptStarted):
            self._begin(self.current_step, event.title)
        elif isinstance(event, RunResumed):
            self._begin(self.current_step, "Resumed")
            self._in_step = False
        elif isinstance(event, RunFinished):
            self._begin(self.current_step, "End")
        elif not self._in_step and getattr(event, "step", None):  # the step that was broken off
            self._begin(self.current_step, f"{self.current_step}")
        self._add(self._lines(event))
        if isinstance(event, TurnFinished):
            self._rename(f"{event.step} {_beginning(event.text)}")
        elif isinstance(event, ToolCalled):
            what = ", ".join(str(value) for value in event.arguments.values())
            self._rename(f"{event.step} {event.tool}: {what}")
        elif isinstance(event, TurnRolledBack):
            self._rename(f"{event.step} taken back: {event.reason}")

    @property
    def current_step(self) -> int:
        """The number of the step that came last, 0 before the first."""
        moment = None if self._part is None else self._part.data
        return 0 if moment is None else moment.step

    @property
    def selected_step(self) -> int:
        """The number of the step that the cursor is in, or of the last one."""
        node = self.cursor_node
        return node.data.step if node is not None and node.data is not None else self.current_step

    def _lines(self, event: Event) -> Iterable[Line]:
        """Return the lines for an event; a call that a guard took back is told with that."""
        lines = [*told(event)]
        if isinstance(event, TurnStarted):
            self._turn, self._called = None, False
        elif isinstance(event, TurnFinished):
            self._turn = event
        elif isinstance(event, ToolCalled):
            self._called = True
        elif isinstance(event, TurnRolledBack) and self._turn and not self._called:
            lines = [*call_not_made(self._turn), *lines]
        return [line for line in lines if line[1]]

    def _begin(self, step: int, title: str) -> None:
        """Begin a node for what comes now, and close the one before."""
        self._in_step = True
        if self._part is not None:
            self._part.collapse()
        self._part = self.root.add(_label(title, ""), Node(step, title, ""), expand=True)
        self._follow(self._part)

    def _rename(self, title: str) -> None:
        if self._part is not None and self._part.data is not None:
            self._part.data = Node(self._part.data.step, shown(title), "")
            self._part.set_label(_label(title, ""))

    def _add(self, lines: Iterable[Line]) -> None:
        if self._part is None:
            return
        for title, text in lines:
            data = Node(self.current_step, shown(title), shown(text))
            self._follow(self._part.add_leaf(_label(title, text), data))

    def _follow(self, node: TreeNode[Node]) -> None:
        """Keep what is newest in sight, unless somebody is looking around."""
        if not self.has_focus:
            self.call_after_refresh(self._move_to, node)

    def _move_to(self, node: TreeNode[Node]) -> None:
        if not self.has_focus and node.line >= 0:
            self.scroll_to_line(node.line, animate=False)

    def on_tree_node_selected(self, event: Tree.NodeSelected[Node]) -> None:
        """Open a step, or show what happened in full."""
        event.stop()
        node = event.node
        if node.allow_expand:
            node.toggle()
        if node.data is not None:
            self.post_message(self.Opened(self._in_full(node, node.data)))

    def _in_full(self, node: TreeNode[Node], data: Node) -> Node:
        """Return what a node stands for with its text; a step's are all that happened in it."""
        parts = [child.data for child in node.children if child.data is not None]
        if not parts:
            return data
        text = "\n".join(f"{part.title}:\n{part.text}" for part in parts)
        return Node(data.step, data.title, text)

    def action_open(self) -> None:
        """Open the node under the cursor."""
        if self.cursor_node is not None:
            self.cursor_node.expand()

    def action_shut(self) -> None:
        """Close the node under the cursor, or the one that it is in."""
        node = self.cursor_node
        if node is None:
            return
        if node.is_expanded and node.allow_expand:
            node.collapse()
        elif node.parent is not None and node.parent is not self.root:
            self.move_cursor(node.parent)


def _beginning(turn: str) -> str:
    """Return the answer in a turn, or the first line of it."""
    message = parse(turn)
    if message.answer is not None:
        return f"answer: {message.answer}"
    return message.thought.partition("\n")[0] or "call"


def _label(title: str, text: str) -> Text:
    words = in_one_line(f"{title}: {text}" if text else title)
    return Text(words[:_LABEL], no_wrap=True, overflow="ellipsis")
