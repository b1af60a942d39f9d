"""Patterns of names: what they match, and that no one of them is matched for ever."""

from __future__ import annotations

import pytest

from edge_agent.index.patterns import Pattern, chosen, read_pattern, verdict


def pattern(line: str) -> Pattern:
    read = read_pattern(line)
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("line", "path", "matches"),
    [
        ("*.log", "a.log", True),
        ("*.log", "deep/er/a.log", True),
        ("*.log", "a.log/b", False),  # whoever walks does not come there
        ("/a", "a", True),
        ("/a", "b/a", False),
        ("b/a", "b/a", True),
        ("b/a", "c/b/a", False),
        ("build/", "build", False),
        ("build/", "c/build/", True),
        ("**/a", "a", True),
        ("**/a/**/b", "a/b", True),
        ("**/a/**/b", "x/a/c/a/d/b", True),
        ("**/a/**/b", "x/b/a", False),
        ("a/**", "a", False),
        ("a/**", "a/b/c", True),
        ("**", "a", True),
        ("a/*/b", "a/x/b", True),
        ("a/*/b", "a/x/y/b", False),
        ("a**b", "axxb", True),
        ("?b", "ab", True),
        ("?b", "b", False),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("[^a]x", "bx", True),
        ("\\*x", "*x", True),
        ("\\*x", "ax", False),
        ("\\#a", "#a", True),
        ("\\!a", "!a", True),
        ("a ", "a", True),
        ("a\\ ", "a ", True),
        ("é*", "éa", True),
        ("Café/", "Cafe\u0301/", True),
        ("Cafe\u0301/*.md", "Café/a.md", True),
        ("[é]?", "e\u0301o\u0308", True),
        ("a", "A", False),
        ("/", "a", False),
    ],
)
def test_patterns_match_as_in_git(line: str, path: str, matches: bool) -> None:
    names = path.removesuffix("/").split("/")
    assert pattern(line).matches(names, is_folder=path.endswith("/")) is matches


def test_the_last_pattern_that_matches_decides() -> None:
    patterns = [pattern(line) for line in ("*.md", "!keep.md", "drafts/")]
    assert verdict(patterns, ["a.md"], is_folder=False) is True
    assert verdict(patterns, ["keep.md"], is_folder=False) is False
    assert verdict(patterns, ["a.txt"], is_folder=False) is None
    assert chosen(patterns, ["drafts", "deep", "keep.md"])
    assert not chosen(patterns, ["other", "keep.md"])


@pytest.mark.parametrize("line", ["", "  ", "# a comment"])
def test_some_lines_say_nothing(line: str) -> None:
    assert read_pattern(line) is None


@pytest.mark.parametrize("line", ["!", "a\\", "x" * 2_000])
def test_what_is_no_pattern_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"nothing stands after|longer than"):
        read_pattern(line)


@pytest.mark.timeout(60, method="signal")  # a thread would wait for the expression, too
@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("*a" * 40 + "*b", "a" * 255),
        ("*[!b]" * 40 + "*b", "a" * 255),
        ("**/a/" * 40 + "b", "a/" * 1_000 + "a"),
        ("b/" + "**/a/" * 40 + "a", "a/" * 1_000 + "a"),
    ],
)
def test_no_pattern_is_matched_for_ever(line: str, path: str) -> None:
    assert not pattern(line).matches(path.split("/"), is_folder=False)
