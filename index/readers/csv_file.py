"""CSV and its kin: one row a document."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

from ..documents import Document, Flaw, RecordFields
from .failures import Fault
from .records import Records
from .rows import may_name_columns
from .text import opened

Quoting: TypeAlias = Literal[0, 3]
"""How cells are quoted: `csv.QUOTE_MINIMAL` or `csv.QUOTE_NONE`."""

_DELIMITERS = ",;\t|"
_SNIFFED = 8192
_LONGEST_CELL = 2**31 - 1
_DECLARED = re.compile(r"sep=([^\w\s\"]|\t)\n")
"""A first line, of Excel's, that says what separates cells."""
_Row: TypeAlias = tuple[int, list[str]]
"""A row, and the number of its first line."""
_BROKEN = Fault("is no row", "are no rows")


def read_csv(path: Path, name: str, fields: RecordFields) -> Iterator[Document | Flaw]:
    """Yield each row as a document: its `id`, `title` and `text`, or `column: value` lines.

    Columns have the names in the first row, unless that has numbers other than years in it. Raises
    UnreadableDocument where the file cannot be opened, or is no text.
    """
    csv.field_size_limit(_LONGEST_CELL)
    records = Records(path, name, fields, by_line=True)
    with opened(path) as file:
        sample = file.read(_SNIFFED)
        file.seek(0)
        declared = _DECLARED.match(sample)
        delimiter = declared[1] if declared else _delimiter(sample, path.suffix.lower())
        quoting = quoting_of(file, delimiter)
        rows = _rows(file, delimiter, quoting, records)
        begun = list(islice(rows, 1 if declared else 0, 3 if declared else 2))
        header, begun = _headed(begun)
        for number, row in chain(begun, rows):
            document = records.document(_record(header, row), number)
            if document is not None:
                yield document
    yield from records.flaws()


def quoting_of(file: TextIO, delimiter: str) -> Quoting:
    """Return how cells are quoted in a file, which is left at its beginning.

    Between tabs they need not be: a cell may begin with a quotation mark that belongs to its text.
    Where quotation marks are not in pairs around cells, it is so that more of the rows have as many
    cells as the first.
    """
    if delimiter != "\t" or _are_paired(file):
        return csv.QUOTE_MINIMAL
    quoted, bare = _whole_rows(file, csv.QUOTE_MINIMAL), _whole_rows(file, csv.QUOTE_NONE)
    return csv.QUOTE_NONE if bare >= quoted else csv.QUOTE_MINIMAL


def _are_paired(file: TextIO) -> bool:
    """Tell whether quotation marks between tabs stand in pairs around cells."""
    try:
        for _ in csv.reader(file, delimiter="\t", strict=True):
            pass
    except csv.Error:
        return False
    finally:
        file.seek(0)
    return True


def _whole_rows(file: TextIO, quoting: Quoting) -> float:
    """Return the share of rows with as many cells as the first, up to one that cannot be read."""
    counts: Counter[int] = Counter()
    first = 0
    with suppress(csv.Error):
        for row in csv.reader(file, delimiter="\t", quoting=quoting):
            first = first or len(row)
            counts[len(row)] += 1
    file.seek(0)
    return counts[first] / max(1, sum(counts.values()))


def _rows(
    lines: Iterator[str], delimiter: str, quoting: Quoting, records: Records
) -> Iterator[_Row]:
    """Yield the rows that are not empty, each with the number of its first line."""
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            records.faulty.add(number, _BROKEN, error)
            continue
        if any(cell.strip() for cell in row):
            yield number, row


def _delimiter(sample: str, suffix: str) -> str:
    """Return what separates cells, as the beginning of a file suggests."""
    if suffix in {".tsv", ".tab"}:
        return "\t"
    try:
        return csv.Sniffer().sniff(sample, delimiters=_DELIMITERS).delimiter
    except csv.Error:
        first = sample.partition("\n")[0]
        return max(_DELIMITERS, key=first.count)


def _headed(begun: list[_Row]) -> tuple[list[str], list[_Row]]:
    """Return the names of the columns, if the first row has them, and the rows that follow."""
    cells = [row for _, row in begun]
    if cells and may_name_columns(cells[0], cells[1] if len(cells) > 1 else ()):
        return _distinct(cells[0]), begun[1:]
    return [], begun


def _distinct(names: list[str]) -> list[str]:
    """Return the names of columns; those without one, or with that of another, are numbered."""
    found: list[str] = []
    for number, cell in enumerate(names, start=1):
        name = " ".join(cell.split()) or f"column {number}"
        found.append(f"{name} ({number})" if name in found else name)
    return found


def _record(header: list[str], row: list[str]) -> dict[str, object]:
    """Return a row by its columns; an empty cell is no value, one of sentences has them all."""
    names = header + [f"column {number}" for number in range(len(header) + 1, len(row) + 1)]
    cells = {name: cell for name, cell in zip(names, row, strict=False) if cell.strip()}
    return {name: [cell] if name == "sentences" else cell for name, cell in cells.items()}
