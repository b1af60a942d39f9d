"""Cards of students: Markdown for people, the figures that count first."""

from __future__ import annotations

from pathlib import Path


def head_of(card: Path) -> str:
    """Return what a card says between its title and its first section."""
    lines = card.read_text(encoding="utf-8").splitlines()
    end = next((at for at, line in enumerate(lines) if line.startswith("## ")), len(lines))
    return "\n".join(line for line in lines[:end] if not line.startswith("# ")).strip()
