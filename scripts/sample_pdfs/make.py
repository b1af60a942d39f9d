"""Builds the PDFs of the sample library from the Markdown texts beside this script.

Usage: python scripts/sample_pdfs/make.py   (needs fpdf2; run from anywhere)

The texts use four things only: one `# Title`, `## headings`, `- ` lists and paragraphs. Dates and
metadata are fixed and nothing is compressed, so equal texts give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from fpdf import FPDF

HERE = Path(__file__).resolve().parent
DOCUMENTS = HERE.parents[1] / "index" / "sample" / "documents"
MADE_ON = datetime(2025, 1, 1, tzinfo=timezone.utc)
PAGE = (148, 210)  # A5, in millimetres
SIZES = {"title": 18, "heading": 13, "item": 11, "paragraph": 11}


class Article(FPDF):  # type: ignore[misc]
    """An A5 article with its title and the page number at the foot of each page."""

    def __init__(self, title: str) -> None:
        super().__init__(format=PAGE)
        self.article_title = title
        self.set_compression(False)
        self.set_title(title)
        self.set_author("The sample library")
        self.set_lang("en")
        self.set_creator("make.py")
        self.set_producer("make.py")
        self.set_creation_date(MADE_ON)
        self.set_margin(18)
        self.set_auto_page_break(True, margin=20)
        self.add_page()

    def footer(self) -> None:
        """Write the title and the page number under the text."""
        self.set_y(-14)
        self.set_font("Helvetica", size=8)
        self.cell(0, 5, f"{self.article_title} - page {self.page_no()}", align="C")

    def add_block(self, kind: str, text: str) -> None:
        """Set one block of text in the style of its kind."""
        size = SIZES[kind]
        self.set_font("Helvetica", "B" if kind in {"title", "heading"} else "", size)
        if kind == "heading":
            self.ln(2)
            if self.will_page_break(20):  # keep a heading with what follows it
                self.add_page()
        if kind == "item":
            text = "\u00b7 " + text
        self.multi_cell(0, size * 0.47, text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(1 if kind == "item" else 2.5)


def read_blocks(source: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) for every block, with its lines joined."""
    for chunk in source.replace("\n- ", "\n\n- ").split("\n\n"):
        text = " ".join(chunk.split())
        if text.startswith("## "):
            yield "heading", text[3:]
        elif text.startswith("# "):
            yield "title", text[2:]
        elif text.startswith("- "):
            yield "item", text[2:]
        elif text:
            yield "paragraph", text


def build(source: Path, target: Path) -> None:
    """Write the PDF of one text."""
    blocks = list(read_blocks(source.read_text(encoding="utf-8")))
    kind, title = blocks[0]
    if kind != "title":
        raise SystemExit(f"{source.name} does not begin with a title")
    article = Article(title)
    for block_kind, text in blocks:
        article.add_block(block_kind, text)
    article.output(str(target))


def main() -> None:
    """Build every PDF."""
    for source in sorted(HERE.glob("*.md")):
        target = DOCUMENTS / source.with_suffix(".pdf").name
        build(source, target)
        print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
