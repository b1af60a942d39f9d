"""Workbooks (.xlsx): a section a sheet, a line a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from itertools import chain
from pathlib import Path

from ..documents import Document
from .office import office_file, own_title
from .rows import WIDEST, may_name_columns, row_line
from .sectioned import SectionedText


def read_sheets(path: Path, name: str) -> list[Document]:
    """Read a workbook as one document, with the values that its formulas last had.

    Raises UnreadableDocument where it is broken, or openpyxl is missing.
    """
    with office_file("a workbook"):
        import openpyxl

        with path.open("rb") as file:
            workbook = openpyxl.load_workbook(file, read_only=True, data_only=True)
            title = own_title(workbook.properties.title) or path.stem
            text = SectionedText()
            for sheet in workbook.worksheets:
                text.enter(sheet.title)
                sheet.reset_dimensions()  # many programs write down wrong ones
                for line in _lines(sheet.iter_rows(values_only=True)):
                    text.add(line, "\n")
            workbook.close()
        whole, sections = text.finished()
    return [Document(name, title, str(path), whole, sections, is_extracted=True)]


def _lines(rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    """Yield the rows that say something: `header: value; …` where the first one is a header."""
    near = (row[:WIDEST] for row in rows)
    filled = (row for row in near if any(value is not None for value in row))
    first = next(filled, None)
    if first is None:
        return
    second = next(filled, None)
    if second is None or not _is_header(first, second):
        rest = () if second is None else (second,)
        for row in chain((first,), rest, filled):
            yield row_line(map(_shown, row))
        return
    header = [_shown(value) for value in first]
    for row in chain((second,), filled):
        named = zip(header + [""] * (len(row) - len(header)), row, strict=False)
        cells = ((heading, _shown(value)) for heading, value in named if value is not None)
        yield "; ".join(f"{heading}: {value}" if heading else value for heading, value in cells)


def _is_header(row: tuple[object, ...], below: tuple[object, ...]) -> bool:
    """Return whether a row has names of columns: words and years, not the same ones twice."""
    names = [value for value in row if value is not None]
    if len(names) < 2 or len(set(names)) < len(names):
        return False
    words = [name for name in names if isinstance(name, str)]
    if any(len(word) > 100 for word in words):
        return False
    others = {type(name) for name in names} - {str}
    return not others or (
        others <= {int, float} and may_name_columns([*map(_shown, row)], [*map(_shown, below)])
    )


def _shown(value: object) -> str:
    """Return a cell as one line; a day without its midnight, a whole number without its point."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    return " ".join(str(value).split())
