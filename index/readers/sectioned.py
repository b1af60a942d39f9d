"""A text that is put together block by block, with the sections that its headings make."""

from __future__ import annotations

from collections.abc import Iterable

from ..documents import Section

_LONGEST_HEADING = 200
"""Characters; what is longer is a paragraph that was set like a heading."""


class SectionedText:
    """A growing text: blocks are added at its end, under the headings that were last entered."""

    def __init__(self, title: str = "") -> None:
        """Begin an empty text. A first heading that is `title` is in no section's path."""
        self._title = " ".join(title.split())
        self._parts: list[str] = []
        self._length = 0
        self._gap = ""
        self._sections: list[Section] = []
        self._path: list[tuple[int, str]] = []
        self._has_headings = False
        self._begun: int | None = None
        self._bare: tuple[int, Section] | None = None
        self._page: int | None = None

    def add(self, text: str, gap: str = "\n\n") -> None:
        """Add a block with at least `gap` between it and its neighbours; blank ones are not."""
        self.separate(gap)
        if not text.strip():
            return
        self._write(text)
        self.separate(gap)

    def separate(self, gap: str) -> None:
        """Ask for at least `gap` before the next block."""
        self._gap = max(self._gap, gap, key=len)

    def heading(self, text: str, level: int = 1) -> None:
        """Add a heading, which ends the section before it and begins one under it."""
        heading = " ".join(text.split())
        if len(heading) > _LONGEST_HEADING:
            self.add(heading)
        elif heading:
            is_title = not self._has_headings and heading == self._title
            self._leave(level)
            self.add(heading)
            # A heading is no part of its section, but for one that has nothing under it.
            end = self._length
            bare = Section(end - len(heading), end, self._headings(), self._page)
            self._begun = None
            self.enter("" if is_title else heading, level)
            self._bare = (level, bare)

    def enter(self, heading: str, level: int = 1) -> None:
        """Begin a section under a heading that is not written; `""` ends those of its level."""
        self._leave(level)
        if heading:
            self._path.append((level, heading))
        self._has_headings = True

    def turn_to(self, page: int) -> None:
        """Begin a page."""
        self._end_section()
        self._page = page

    def append(self, text: str, sections: Iterable[Section]) -> None:
        """Add a text with sections of its own, which come under the headings of this one."""
        self._end_section()
        if not text.strip():
            return
        self.separate("\n\n")
        offset = self._length + (len(self._gap) if self._length else 0)
        self._write(text)
        self._begun = None
        above = self._headings()
        self._sections += (
            Section(
                section.start + offset,
                section.end + offset,
                above + section.headings,
                self._page if section.page is None else section.page,
            )
            for section in sections
        )
        self.separate("\n\n")

    def finished(self) -> tuple[str, tuple[Section, ...]]:
        """Return the whole text and its sections."""
        self._leave(0)
        return "".join(self._parts), tuple(self._sections)

    def _headings(self) -> tuple[str, ...]:
        return tuple(heading for _, heading in self._path)

    def _write(self, text: str) -> None:
        if self._length and self._gap:
            self._parts.append(self._gap)
            self._length += len(self._gap)
        self._gap = ""
        self._bare = None
        if self._begun is None:
            self._begun = self._length
        self._parts.append(text)
        self._length += len(text)

    def _leave(self, level: int) -> None:
        """End the section, and the headings of a level and below."""
        self._end_section()
        if self._bare is not None and level <= self._bare[0]:
            self._sections.append(self._bare[1])
            self._bare = None
        self._path = [entry for entry in self._path if entry[0] < level]

    def _end_section(self) -> None:
        if self._begun is not None:
            self._sections.append(Section(self._begun, self._length, self._headings(), self._page))
            self._begun = None
        self.separate("\n\n")
