"""Plots as SVG that needs nothing else: bars with intervals, and curves with bands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from edge_agent.evaluation.figures import Mean

_WIDTH, _HEIGHT = 480, 240
"""Of the area of a curve, in the picture's own units."""
_LEFT, _TOP, _BELOW = 50, 30, 60
_ROW, _LABELS, _NUMBERS = 26, 250, 300
"""Height of a bar's row, and the room for the label before and the numbers behind it."""
_BAR = 320
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # told apart by the colour-blind, too
_DASHES = ("none", "7 4", "2 3", "9 3 2 3")
"""Lines differ in more than their colour."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a curve: a mean, in per cent, for each place on the axis; None leaves a gap out."""

    label: str
    means: tuple[Mean | None, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: a mean, in per cent, and over how many questions it is."""

    label: str
    mean: Mean
    questions: str

    @property
    def numbers(self) -> str:
        """What stands beside it."""
        return f"{numbers(self.mean)}, {self.questions} questions"


def bars(title: str, each: Sequence[Bar]) -> str:
    """Return bars of means in per cent with their intervals."""
    height = _TOP + _ROW * len(each) + 10
    width = _LABELS + _BAR + _NUMBERS
    said = "; ".join(f"{bar.label} {bar.numbers}" for bar in each)
    parts = [*_begin(width, height, f"{title}: {said}"), _text(0, 16, title, bold=True)]
    for number, bar in enumerate(each):
        parts += _drawn_bar(_TOP + _ROW * number, bar)
    return "\n".join([*parts, "</svg>"])


def curve(title: str, axis: str, places: Sequence[int], lines: Sequence[Line]) -> str:
    """Return lines with bands over `places`, which stand at equal distances whatever they are."""
    known = [mean for line in lines for mean in line.means if mean is not None]
    top = max(10.0, *(10 * -(-_upper(mean) // 10) for mean in known)) if known else 100.0
    said = "; ".join(
        f"{line.label} at {place}: {numbers(mean)}"
        for line in lines
        for place, mean in zip(places, line.means, strict=True)
        if mean is not None
    )
    parts = list(_begin(_LEFT + _WIDTH + 20, _TOP + _HEIGHT + _BELOW, f"{title}: {said}"))
    parts += [_text(0, 16, title, bold=True), *_axes(axis, places, top)]
    for number, line in enumerate(lines):
        parts += _drawn(number, line, len(places), top)
    return "\n".join([*parts, "</svg>"])


def _begin(width: int, height: int, label: str) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="sans-serif" font-size="12" aria-label="{escape(label)}">'
    )


def _drawn_bar(y: int, bar: Bar) -> Iterator[str]:
    middle, mean = y + _ROW / 2, bar.mean
    yield _text(_LABELS - 8, middle + 4, bar.label, anchor="end")
    yield (
        f'<rect x="{_LABELS}" y="{y + 5}" width="{_along(mean.value):.1f}" height="{_ROW - 10}" '
        f'fill="{_COLOURS[0]}" fill-opacity="0.6"/>'
    )
    if mean.interval is not None:
        low, high = (_LABELS + _along(bound) for bound in mean.interval)
        yield (
            f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} '
            f'{middle - 4}v8" stroke="currentColor" fill="none"/>'
        )
    yield _text(_LABELS + _BAR + 8, middle + 4, bar.numbers)


def _along(value: float) -> float:
    return _BAR * min(max(value, 0.0), 100.0) / 100


def _axes(axis: str, places: Sequence[int], top: float) -> Iterator[str]:
    bottom, right = _TOP + _HEIGHT, _LEFT + _WIDTH
    yield (
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="currentColor" '
        'stroke-opacity="0.5"/>'
    )
    for share in (0, 0.5, 1):
        yield _text(_LEFT - 6, bottom - _HEIGHT * share + 4, f"{top * share:.0f}", anchor="end")
    for number, place in enumerate(places):
        yield _text(_across(number, len(places)), bottom + 16, str(place), anchor="middle")
    yield _text((_LEFT + right) / 2, bottom + 32, axis, anchor="middle")


def _drawn(number: int, line: Line, count: int, top: float) -> Iterator[str]:
    """Draw a line with its band and what it is called."""
    known = [(_across(at, count), mean) for at, mean in enumerate(line.means) if mean is not None]
    if not known:
        return
    colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]

    def points(values: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{x:.1f},{_TOP + _HEIGHT * (1 - y / top):.1f}" for x, y in values)

    for band in _bands(line, count):
        lower, upper = [(x, low) for x, low, _ in band], [(x, high) for x, _, high in band]
        yield (
            f'<polygon points="{points([*upper, *reversed(lower)])}" fill="{colour}" '
            f'fill-opacity="0.15" stroke="{colour}" stroke-opacity="0.3"/>'
        )
    middle = [(x, mean.value) for x, mean in known]
    yield (
        f'<polyline points="{points(middle)}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dash}"/>'
    )
    for x, y in middle:
        at = points([(x, y)]).split(",")
        yield f'<circle cx="{at[0]}" cy="{at[1]}" r="3" fill="{colour}"/>'
    begin, below = _LEFT + 220 * number, _TOP + _HEIGHT + 50
    yield (
        f'<path d="M{begin} {below - 4}h30" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dash}"/>'
    )
    yield _text(begin + 36, below, line.label)


def _bands(line: Line, count: int) -> Iterator[list[tuple[float, float, float]]]:
    """Yield the bands of a line, each as places with their bounds; a band ends where none are."""
    band: list[tuple[float, float, float]] = []
    for at, mean in enumerate((*line.means, None)):
        if mean is not None and mean.interval is not None:
            band.append((_across(at, count), *mean.interval))
        elif band:
            yield band
            band = []


def _across(number: int, count: int) -> float:
    return _LEFT + 20 + (_WIDTH - 40) * (number / (count - 1) if count > 1 else 0.5)


def _text(x: float, y: float, text: str, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor"{weight}>'
        f"{escape(text)}</text>"
    )


def numbers(mean: Mean) -> str:
    """Return a mean with its interval, as it is shown."""
    if mean.interval is None:
        return f"{mean.value:.1f} (–)"
    low, high = mean.interval
    return f"{mean.value:.1f} ({low:.1f} to {high:.1f})"


def _upper(mean: Mean) -> float:
    """Return how high a mean reaches, with its interval where it has one."""
    return mean.value if mean.interval is None else mean.interval[1]
