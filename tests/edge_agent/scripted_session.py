"""A model that follows a script, and documents about three ships for it to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from word_session import WordSession

from edge_agent.models import Choose, Force, Sample

DOCUMENTS = {
    "fram.md": "# Fram\n\nThe Fram was designed by Colin Archer. She was launched in 1892.",
    "archer.md": "# Colin Archer\n\nColin Archer was born in Larvik. His parents were Scots.",
    "gjoa.md": "# Gjøa\n\nThe Gjøa was built at Rosendal in 1872. She has eight ropes.",
}


def write_documents(folder: Path) -> Path:
    """Write the documents into `folder`, which is made, and return it."""
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text)
    return folder


@dataclass
class ScriptedSession(WordSession):
    """Chooses the first option that holds the next line of the script, or writes that line."""

    script: list[str] = field(default_factory=list)
    before_line: Callable[[str], None] = lambda line: None

    def write(self, step: Force | Choose | Sample, seed: int) -> str:
        if isinstance(step, Force):
            return step.text
        if isinstance(step, Choose) and len(step.options) == 1:
            return step.options[0]
        line = self.script.pop(0)
        self.before_line(line)
        if isinstance(step, Sample):
            return line
        return next(option for option in step.options if line in option)
