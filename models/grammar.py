"""Grammars for arguments: GBNF from a JSON schema, and the end that a cut-off JSON text lacks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def json_schema_grammar(schema: Mapping[str, Any]) -> str:
    """Return the GBNF grammar of the JSON texts that satisfy `schema`."""
    from llama_cpp.llama_grammar import json_schema_to_gbnf

    return str(json_schema_to_gbnf(json.dumps(schema)))


def is_json(text: str) -> bool:
    """Tell whether `text` is one whole JSON value."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def missing_end(text: str) -> str:
    """Return what completes a JSON text that was cut off inside a string or a container.

    A cut after a key, a colon or a comma has no completion of this kind: the caller checks.
    """
    closers: list[str] = []
    quoted = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character in "{[":
            closers.append("}" if character == "{" else "]")
        elif character in "}]" and closers:
            closers.pop()
    return ('"' if quoted else "") + "".join(reversed(closers))
