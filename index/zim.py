"""libzim, whose failures cost one article, not a search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .analysis import words
from .errors import UnreadableDocument

HTML = "text/html"
PLAIN = "text/plain"

_LONGEST_TITLE = 16
"""Words that a title may have."""
_SAME_TITLE = 20
"""Suggestions that are looked through for one that is the title itself."""
_LARGEST = 16_000_000
"""Bytes of an article; what is larger is a list for machines."""


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it is stored; `kind` is its media type."""

    path: str
    title: str
    kind: str
    data: bytes


class Zim:
    """A ZIM file: its articles by path and title, and the indexes that it carries.

    libzim raises KeyError, RuntimeError and what else a damaged file leads it to; here that is as
    if the one thing asked for were not there.
    """

    def __init__(self, path: Path) -> None:
        """Open the file at `path`.

        Raises UnreadableDocument where libzim is missing, or the file is no ZIM archive.
        """
        self._zim = _opened(path)

    def close(self) -> None:
        """Close the file; nothing is found from then on."""
        self._zim = None
        self.__dict__.pop("_texts", None)
        self.__dict__.pop("_titles", None)

    @property
    def articles(self) -> int:
        """How many articles it says it has."""
        try:
            return int(self._zim.article_count)
        except Exception:  # see the class
            return 0

    # Articles

    def located(self, path: str) -> tuple[str, str] | None:
        """Return the path and the title of an article, redirects followed."""
        item = self._item(path)
        return None if item is None else (str(item.path), " ".join(item.title.split()))

    def article(self, path: str) -> Article | None:
        """Return the article at a path, redirects followed."""
        item = self._item(path)
        try:
            if item is None or item.size > _LARGEST:
                return None
            place = str(item.path)
            title = " ".join(item.title.split()) or place
            return Article(place, title, _kind(item), bytes(item.content))
        except Exception:  # see the class
            return None

    def titled(self, title: str) -> str | None:
        """Return where the article of that title is, or what redirects from that title to it."""
        wanted = _folded(title)
        if not wanted:
            return None
        # The title itself first: among a thousand that begin like it, it need not be suggested.
        known = self.named(title)
        if known is not None:
            return known
        suggested = (self._entry(path) for path in self.suggested(title, _SAME_TITLE))
        return self._of_title(wanted, suggested)

    def named(self, title: str) -> str | None:
        """Return the same where the title is written as it is there: that takes no search."""
        entries = (self._entry(title, by_title=True), self._entry("_".join(title.split())))
        return self._of_title(_folded(title), entries)

    def _of_title(self, wanted: str, entries: Iterable[Any]) -> str | None:
        """Return where the first of some entries leads whose title or path is `wanted`, folded."""
        for entry in entries:
            if entry is not None and wanted in (_folded(entry.title), _folded(entry.path)):
                found = self.located(entry.path)
                if found is not None:
                    return found[0]
        return None

    def _entry(self, key: str, *, by_title: bool = False) -> Any:
        """Return an entry, which may be a redirect; None where there is none."""
        try:
            zim = self._zim
            return zim.get_entry_by_title(key) if by_title else zim.get_entry_by_path(key)
        except Exception:  # see the class
            return None

    def _item(self, path: str) -> Any:
        """Return what is at `path`, redirects followed; None where that is no article."""
        try:
            item = self._zim.get_entry_by_path(path).get_item()
            return item if _kind(item) in (HTML, PLAIN) else None
        except Exception:  # see the class
            return None

    # Indexes

    def having(self, wanted: str, count: int) -> list[str]:
        """Return where the best articles are that have all of some words."""
        if self._texts is None:
            return self.suggested(wanted, count)
        from libzim.search import Query as Words

        try:
            return list(self._texts.search(Words().set_query(wanted)).getResults(0, count))
        except Exception:  # see the class
            return []

    def count(self, word: str) -> int:
        """Return how many articles have a word, about."""
        from libzim.search import Query as Words

        try:
            if self._texts is None:
                return int(self._titles.suggest(word).getEstimatedMatches())
            return int(self._texts.search(Words().set_query(word)).getEstimatedMatches())
        except Exception:  # see the class
            return 0

    def suggested(self, title: str, count: int) -> list[str]:
        """Return where the articles are whose titles have these words, the last one begun."""
        wanted = words(title)
        if not 0 < len(wanted) <= _LONGEST_TITLE:
            return []
        try:
            return list(self._titles.suggest(" ".join(wanted)).getResults(0, count))
        except Exception:  # see the class
            return []

    @cached_property
    def _texts(self) -> Any:
        """The index of the texts; None where the archive has none."""
        from libzim.search import Searcher

        try:
            return Searcher(self._zim) if self._zim.has_fulltext_index else None
        except Exception:  # see the class
            return None

    @cached_property
    def _titles(self) -> Any:
        """The index of the titles; without one, libzim goes through the list of titles."""
        from libzim.suggestion import SuggestionSearcher

        try:
            return SuggestionSearcher(self._zim)
        except Exception:  # see the class
            return None


def _opened(path: Path) -> Any:
    """Open a ZIM file. Raises UnreadableDocument."""
    try:
        from libzim.reader import Archive as Zim
    except ImportError as error:
        raise UnreadableDocument("needs the zim extra: pip install 'miro-edge[zim]'") from error
    try:
        path.open("rb").close()
    except OSError as error:
        raise UnreadableDocument(f"cannot be opened: {error.strerror}") from error
    try:
        return Zim(path)
    except Exception as error:  # see `Zim`
        raise UnreadableDocument(f"is not a ZIM archive that can be read: {error}") from error


def _kind(item: Any) -> str:
    """Return the media type of an item without its parameters."""
    return str(item.mimetype).partition(";")[0].strip().lower()


def _folded(title: str) -> str:
    """Return a title, or the path that is made of it, without what does not matter."""
    return " ".join(title.replace("_", " ").split()).casefold()
