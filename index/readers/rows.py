"""Rows of tables: one as a line of text, and whether the numbers in a first one name columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

WIDEST = 256
"""Cells of a row that are read; what lies beyond is no table for people."""
_YEAR = re.compile(r"[12]\d{3}")
_SERIES = 3
"""Years at even distances from which on they are no chance."""


def row_line(cells: Iterable[str]) -> str:
    """Return a row as a line, with its empty cells, but for those at its end.

    Without them values would stand under the columns of others.
    """
    line = [" ".join(cell.split()) for cell in cells]
    while line and not line[-1]:
        line.pop()
    return " | ".join(line)


def is_number(cell: str) -> bool:
    """Return whether a cell is a number, with a point or a comma."""
    try:
        float(cell.strip().replace(",", "."))
    except ValueError:
        return False
    return True


def may_name_columns(first: Sequence[str], second: Sequence[str]) -> bool:
    """Return whether the numbers in a first row, where it has any, are years that name columns.

    Those of `Bell Rock,1810` above `Eddystone,1882` are not: in a column of years each is a value.
    """
    years = {at: cell.strip() for at, cell in enumerate(first) if is_number(cell)}
    if not years:
        return True
    if 0 in years or not second or not all(map(_YEAR.fullmatch, years.values())):
        return False
    below = [second[at].strip() if at < len(second) else "" for at in years]
    is_repeated = any(year == other for year, other in zip(years.values(), below, strict=True))
    if is_repeated or len(set(years.values())) < len(years):
        return False
    return _is_series([int(year) for year in years.values()]) or (
        any(below) and not any(map(_YEAR.fullmatch, below))
    )


def _is_series(years: list[int]) -> bool:
    return len(years) >= _SERIES and len({after - year for year, after in pairwise(years)}) == 1
