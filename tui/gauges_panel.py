"""The gauges: what a run has used of its window, calls and time, how fast it is, and its memory."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widgets import Static

from edge_agent.models import megabytes

from .run_view import Gauges
from .signs import UNICODE, Signs

_NAME = 8
_NUMBERS = 16
"""Cells that names and numbers take; what is left is for bars, which are dropped first."""
_BAR = 8
_LEAST_BAR = 4


class GaugesPanel(Static):
    """Draws gauges as a line each: a name, a bar where there is a limit, and numbers."""

    gauges: reactive[Gauges] = reactive(Gauges())

    def __init__(self, *, id: str | None = None) -> None:
        """Begin with nothing used."""
        super().__init__(id=id)
        self.signs: Signs = UNICODE

    def render(self) -> Text:
        """Return the lines."""
        return Text("\n").join(Text(line, no_wrap=True) for line in self.lines(self.gauges))

    def lines(self, gauges: Gauges) -> list[str]:
        """Return the lines for gauges."""
        cut = f", {gauges.cut:,} cut" if gauges.cut else ""
        speed = "" if gauges.speed is None else f"{gauges.speed:,.0f} tok/s"
        memory = "" if gauges.resident is None else f"{megabytes(gauges.resident)} MB"
        limit = "" if gauges.max_seconds is None else f" of {gauges.max_seconds:g}"
        most = "" if gauges.max_calls is None else f" of {gauges.max_calls}"
        window = f"{gauges.window:,} of {gauges.context:,}{cut}"
        seconds = f"{gauges.seconds:.0f} s{limit}"
        rates = ", ".join(part for part in (speed, memory) if part)
        return [
            self._line("window", gauges.window, gauges.context, window),
            self._line("calls", gauges.calls, gauges.max_calls, f"{gauges.calls}{most}"),
            self._line("time", gauges.seconds, gauges.max_seconds, seconds),
            f"{'speed':{_NAME}}{rates}",
        ]

    def _line(self, name: str, used: float, limit: float | None, numbers: str) -> str:
        return f"{name:{_NAME}}{self._bar(used, limit)}{numbers}"

    def _bar(self, used: float, limit: float | None) -> str:
        cells = min(_BAR, self.size.width - _NAME - _NUMBERS)
        if not limit or cells < _LEAST_BAR:
            return ""
        filled = min(cells, round(cells * used / limit))
        return self.signs.full * filled + self.signs.empty * (cells - filled) + " "
