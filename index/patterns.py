"""Patterns of names in the syntax of .gitignore, matched without ever going back and trying again.

A folder may bring its own: one like `*a*a*a*b` would keep a regular expression busy for years. Both
are compared in one normal form: a name that was made on a Mac may spell é as e and an accent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from unicodedata import normalize

_LONGEST = 1_000
"""Characters of a pattern: a longer one is no work of people, and takes minutes to be read."""
_GLOB = re.compile(r"[*?\[\\]")
_ESCAPED = re.compile(r"\\(.)")

_Part = Callable[[str], object]
"""Tells whether a name matches a part of a pattern."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a line says of paths: of the names of folders, and the name at the end."""

    chooses: bool
    """Whether it is for what it matches; one that begins with `!` is against it."""
    of_folders: bool
    parts: tuple[_Part | None, ...]
    """What the names have to match, from the last one to the first; None is any number of them."""

    def matches(self, names: Sequence[str], *, is_folder: bool) -> bool:
        """Tell whether a path matches, whatever the folders are that it lies in."""
        if self.of_folders and not is_folder:
            return False
        backwards = [normalize("NFC", name) for name in reversed(names)]  # they differ at the end
        place = part = 0
        any_number, skipped = -1, 0
        while place < len(backwards):
            wanted = self.parts[part] if part < len(self.parts) else _nothing
            if wanted is None:
                any_number, skipped = part, place
                part += 1
            elif wanted(backwards[place]):
                place += 1
                part += 1
            elif any_number >= 0:  # the one before takes up another name
                skipped += 1
                place, part = skipped, any_number + 1
            else:
                return False
        return all(wanted is None for wanted in self.parts[part:])


def read_pattern(line: str) -> Pattern | None:
    """Read a line; None where it says nothing. Raises ValueError for what is no pattern."""
    stripped = line.rstrip(" ")
    if stripped.endswith("\\") and stripped != line:
        stripped += " "
    if not stripped or stripped.startswith("#"):
        return None
    text = stripped.removeprefix("!")
    if not text:
        raise ValueError("nothing stands after the !")
    if len(text) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} characters")
    if len(text) - len(text.rstrip("\\")) & 1:
        raise ValueError("nothing stands after the \\")
    parts: list[_Part | None] = [
        None if part.startswith("**") and not part.strip("*") else _matcher(part)
        for part in text.removeprefix("/").removesuffix("/").split("/")
    ]
    if "/" not in text[:-1]:
        parts.insert(0, None)
    if parts[-1] is None:
        parts.append(bool)  # what is inside
    return Pattern(stripped == text, text.endswith("/"), tuple(reversed(parts)))


def verdict(patterns: Sequence[Pattern], names: Sequence[str], *, is_folder: bool) -> bool | None:
    """Return what the last pattern that matches a path says of it; None where none does."""
    for pattern in reversed(patterns):
        if pattern.matches(names, is_folder=is_folder):
            return pattern.chooses
    return None


def chosen(patterns: Sequence[Pattern], names: Sequence[str]) -> bool:
    """Tell whether a file is chosen: the last pattern decides that matches it or a folder above."""
    paths = [names[:end] for end in range(1, len(names) + 1)]
    for pattern in reversed(patterns):
        if any(pattern.matches(path, is_folder=path != names) for path in paths):
            return pattern.chooses
    return False


def _nothing(name: str) -> bool:
    """Match no name: the pattern is at its end, the path is not."""
    return False


def _matcher(part: str) -> _Part:
    """Return what matches names. Python's own patterns of names have no escapes."""
    part = normalize("NFC", part)
    if _GLOB.search(part) is None:
        return part.__eq__
    plain = _ESCAPED.sub(lambda match: f"[{match[1]}]" if match[1] in "*?[" else match[1], part)
    return re.compile(translate(plain.replace("[^", "[!"))).match
