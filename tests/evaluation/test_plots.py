"""Plots, as what they draw."""

from __future__ import annotations

from xml.etree import ElementTree

from edge_agent.evaluation.figures import Mean
from edge_agent.evaluation.plots import Bar, Line, bars, curve

_SVG = "{http://www.w3.org/2000/svg}"


def test_a_band_ends_where_a_point_has_no_interval() -> None:
    sure, unsure = Mean(50.0, (40.0, 60.0)), Mean(100.0, None)
    line = Line("F1", (sure, sure, unsure, sure, None, sure))
    picture = ElementTree.fromstring(curve("F1", "calls", [1, 2, 4, 8, 16, 32], [line]))
    bands = [each.attrib["points"].split() for each in picture.iter(f"{_SVG}polygon")]
    assert [len(band) for band in bands] == [4, 2, 2]
    assert len(list(picture.iter(f"{_SVG}circle"))) == 5


def test_the_text_beside_a_bar_has_room() -> None:
    bar = Bar("agent", Mean(100.0, (100.0, 100.0)), "1000 of 1000")
    picture = ElementTree.fromstring(bars("F1", [bar]))
    width = float(picture.attrib["viewBox"].split()[2])
    (text,) = (each for each in picture.iter(f"{_SVG}text") if each.text == bar.numbers)
    assert float(text.attrib["x"]) + 6.2 * len(bar.numbers) <= width, "of 12 pixels, on average"
