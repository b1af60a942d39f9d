"""Grammars for arguments, and the ends that cut-off arguments lack."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.models import is_json, json_schema_grammar, missing_end


def test_a_schema_becomes_a_grammar_with_its_keys() -> None:
    schema = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
    grammar = json_schema_grammar(schema)
    assert "root ::=" in grammar
    assert "query" in grammar


@given(value=st.text(min_size=1), data=st.data())
def test_a_text_cut_off_inside_a_string_is_completed(value: str, data: st.DataObject) -> None:
    whole = json.dumps({"list": [{"query": value}]}, ensure_ascii=False)
    opened = len('{"list": [{"query": "')
    cut = data.draw(st.integers(opened, opened + len(json.dumps(value, ensure_ascii=False)) - 2))
    text = whole[:cut]
    # A cut inside an escape has no completion: the grammar ends on whole tokens, json-repair helps.
    if text.endswith("\\") or "\\u" in text[-6:]:
        return
    completed = json.loads(text + missing_end(text))
    assert value.startswith(completed["list"][0]["query"])


@given(st.recursive(st.text() | st.integers() | st.booleans(), st.lists, max_leaves=5))
def test_a_whole_value_is_json_and_lacks_nothing(value: object) -> None:
    text = json.dumps(value)
    assert is_json(text)
    assert missing_end(text) == ""
