"""What the readers of office documents share."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

from ..errors import UnreadableDocument
from .failures import failing_as

_JUNK_TITLE = re.compile(
    r"untitled.*|powerpoint presentation|presentation\d*|document\d*|word document|\W*",
    re.IGNORECASE,
)


@contextmanager
def office_file(what: str) -> Iterator[None]:
    """Raise UnreadableDocument where a library is missing, or a file is not `what` it should be."""
    # openpyxl prints what it makes of broken styles, and warns of what it would not write again.
    with failing_as(what), warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        except ImportError as error:
            raise UnreadableDocument(
                "needs the office extra: pip install 'miro-edge[office]'"
            ) from error


def own_title(title: str | None) -> str:
    """Return the title that somebody gave a document; nothing where its program did."""
    title = " ".join((title or "").split())
    return "" if _JUNK_TITLE.fullmatch(title) else title
