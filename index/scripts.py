"""Scripts: the letters of those that put no spaces between words, as parts of a pattern's set."""

from __future__ import annotations

THAI = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece"
"""Thai and Lao, which have no marks at the ends of sentences either. Digits are not among them."""
UNSPACED = (
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    f"{THAI}\u1000-\u103f\u1050-\u108f\u109a-\u109f\u1780-\u17d3\u17d7\u17dc\u17dd\uaa60-\uaa7f"
)
"""Japanese and Chinese; Thai and Lao; Burmese and Khmer. Korean has spaces."""
