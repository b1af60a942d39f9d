"""Schemas of a server's, made so small and plain that a model and llama.cpp can follow them.

What comes from outside may be anything: endless patterns, references in a circle, a page of titles.
What is made of it here says in a few words what the arguments are, and its grammar is one that
llama.cpp accepts. Whatever it leaves out the server itself checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias

from .untrusted import harmless, is_harmless

Schema: TypeAlias = dict[str, Any]

_MOST_CHARACTERS = 900
"""Of a schema as JSON: some 250 tokens of a window of 4,096."""
_MOST_VALUES = 100
"""Values that are described: more never fit, and references can make any number of them."""
_MOST_ALTERNATIVES = 6
_MOST_CHOICES = 24
_MOST_DESCRIBED = 120
_MOST_TEXT = 80
"""Characters of a text that may be chosen."""
_MOST_REFERENCES = 20
_FEW = 8
"""Up to here lengths count, which are written out in the grammar; more items no list has."""
_NAME = re.compile(r"[\w$@][\w$@.-]{0,63}")
_WRITABLE = re.compile(r'[^"\\\U00010000-\U0010ffff]*')
"""What llama.cpp makes into a grammar: it does not escape what JSON escapes."""
_PRIMITIVES = ("string", "number", "integer", "boolean", "null")
_FORMATS = ("date", "time", "date-time", "uuid")
_ANYTHING: Schema = {"type": ["string", "number", "boolean", "object", "array", "null"]}
_ATTEMPTS = (
    (4, True, False),
    (4, False, False),
    (2, False, False),
    (1, False, False),
    (1, False, True),
)
"""How deep, whether described, and whether only what is required: the first that is short enough
is taken."""


class UnusableSchema(ValueError):
    """Arguments that cannot be told to a model; the message is the rest of a sentence."""


class _TooManyValues(Exception):
    """A schema that goes on and on."""


def simplified(schema: Mapping[str, Any]) -> Schema:
    """Return a schema of the same arguments, in a few words. Raises UnusableSchema."""
    for depth, described, required_only in _ATTEMPTS:
        try:
            made = _Simplifier(schema, described, required_only).arguments(depth)
        except _TooManyValues:
            continue
        if len(json.dumps(made, ensure_ascii=False)) <= _MOST_CHARACTERS:
            return made
    raise UnusableSchema("its arguments are too many to be told to a model")


@dataclass(frozen=True, slots=True)
class _Simplifier:
    """Goes through one schema; of what lies deeper than asked for only the type is told."""

    root: Mapping[str, Any]
    described: bool
    required_only: bool
    values: Iterator[int] = field(default_factory=lambda: count(1))

    def arguments(self, depth: int) -> Schema:
        """Return the schema of all arguments: an object's. Raises UnusableSchema."""
        return self._object(self._plain(self.root), depth)

    def _of(self, schema: object, depth: int) -> Schema:
        """Return a value's schema."""
        if next(self.values) > _MOST_VALUES:
            raise _TooManyValues
        node = self._plain(schema)
        made = self._typed(node, depth)
        if self.described:
            made |= _described(node)
        return made

    def _typed(self, node: Mapping[str, Any], depth: int) -> Schema:
        choices = [node["const"]] if "const" in node else node.get("enum")
        if isinstance(choices, list) and choices:
            return _choice(choices)
        alternatives = node.get("anyOf") or node.get("oneOf")
        if isinstance(alternatives, list):
            return self._either(alternatives, depth)
        kind = node.get("type")
        if isinstance(kind, list):
            return self._either([{**node, "type": each} for each in kind], depth)
        return self._of_kind(kind, node, depth)

    def _of_kind(self, kind: object, node: Mapping[str, Any], depth: int) -> Schema:
        if kind == "object" or (kind is None and "properties" in node):
            return self._object(node, depth) if depth > 0 else {"type": "object"}
        if kind == "array" or (kind is None and "items" in node):
            return self._list(node, depth)
        if kind == "string":
            return _text(node)
        return {"type": kind} if kind in _PRIMITIVES else dict(_ANYTHING)

    def _object(self, node: Mapping[str, Any], depth: int) -> Schema:
        required = {each: None for each in _list_of(node, "required") if isinstance(each, str)}
        properties = {}
        for name, inner in _mapping_of(node, "properties").items():
            if not (isinstance(name, str) and _NAME.fullmatch(name) and _WRITABLE.fullmatch(name)):
                if name in required:
                    raise UnusableSchema("an argument that it needs has no plain name")
            elif name in required or not self.required_only:
                properties[name] = self._of(self._present(inner, name in required), depth - 1)
        more = node.get("additionalProperties")
        if not properties and "properties" not in node and more in (None, True):
            return {"type": "object", "additionalProperties": True}
        made: Schema = {"type": "object", "properties": properties}
        if needed := [name for name in required if name in properties]:
            made["required"] = needed
        if isinstance(more, Mapping) or more is True:
            made["additionalProperties"] = self._of(more, depth - 1)
        return made

    def _present(self, schema: object, required: bool) -> object:
        """Return the schema of a value that is there: what may be left out need not be null."""
        node = self._plain(schema)
        for keyword in ("anyOf", "oneOf"):
            given = [self._plain(each) for each in _list_of(node, keyword)]
            kept = [each for each in given if each.get("type") != "null"]
            if kept and not required:
                rest = {key: value for key, value in node.items() if key != keyword}
                return {**kept[0], **rest} if len(kept) == 1 else {**rest, keyword: kept}
        kinds = _list_of(node, "type")
        if kinds and not required and (others := [kind for kind in kinds if kind != "null"]):
            return {**node, "type": others[0] if len(others) == 1 else others}
        return node

    def _list(self, node: Mapping[str, Any], depth: int) -> Schema:
        items = node.get("items")
        made: Schema = {"type": "array"}
        if isinstance(items, Mapping):
            made["items"] = self._of(items, depth - 1) if depth > 0 else dict(_ANYTHING)
            made["maxItems"] = _short(node, "maxItems") or _FEW  # a small model finds no end
            if (short := _short(node, "minItems")) is not None:
                made["minItems"] = min(short, made["maxItems"])
        return made

    def _either(self, alternatives: Iterable[object], depth: int) -> Schema:
        """Return the schema of what satisfies one of some others; of very many nothing is told."""
        made: list[Schema] = []
        for each in alternatives:
            alternative = self._of(each, depth - 1) if depth > 0 else dict(_ANYTHING)
            if alternative not in made:
                made.append(alternative)
        if len(made) == 1:
            return made[0]
        return {"anyOf": made} if 0 < len(made) <= _MOST_ALTERNATIVES else dict(_ANYTHING)

    def _plain(self, schema: object) -> Mapping[str, Any]:
        """Return a schema with its references followed and the parts that all hold made one."""
        node = schema if isinstance(schema, Mapping) else {}
        for _ in range(_MOST_REFERENCES):
            if "$ref" not in node:
                break
            rest = {key: value for key, value in node.items() if key != "$ref"}
            node = {**self._found(node["$ref"]), **rest}
        parts = _list_of(node, "allOf")
        if not parts or "$ref" in node:
            return {} if "$ref" in node else node
        return self._joined(node, parts)

    def _found(self, reference: object) -> Mapping[str, Any]:
        """Return what a reference within the schema points at; nothing is fetched."""
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return {}
        place: object = self.root
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            place = place.get(key) if isinstance(place, Mapping) else None
        return place if isinstance(place, Mapping) else {}

    def _joined(self, node: Mapping[str, Any], parts: Iterable[object]) -> Mapping[str, Any]:
        """Return what holds where a schema and its parts hold; parts of parts are not looked at."""
        joined = {key: value for key, value in node.items() if key != "allOf"}
        for part in parts:
            inner = part if isinstance(part, Mapping) else {}
            inner = self._found(inner["$ref"]) if "$ref" in inner else inner
            for key, value in inner.items():
                if key == "properties" and isinstance(value, Mapping):
                    joined[key] = {**value, **_mapping_of(joined, key)}
                elif key == "required" and isinstance(value, list):
                    joined[key] = [*_list_of(joined, key), *value]
                elif key not in ("allOf", "$ref"):
                    joined.setdefault(key, value)
        return joined


def _choice(choices: list[Any]) -> Schema:
    """Return the schema of one of some values, which are shown only if they are harmless."""
    plain = all(
        is_harmless(each, _MOST_TEXT) and _WRITABLE.fullmatch(each)
        if isinstance(each, str)
        else each is None or isinstance(each, bool | int | float)
        for each in choices
    )
    if plain and len(choices) <= _MOST_CHOICES:
        return {"enum": choices}
    return {"type": "string"} if isinstance(choices[0], str) else dict(_ANYTHING)


def _text(node: Mapping[str, Any]) -> Schema:
    made: Schema = {"type": "string"}
    if node.get("format") in _FORMATS:
        made["format"] = node["format"]
    elif (short := _short(node, "minLength")) is not None:
        made["minLength"] = short
    return made


def _described(node: Mapping[str, Any]) -> Schema:
    """Return what is said about a value, if anything is."""
    said = node.get("description")
    told = harmless(said, _MOST_DESCRIBED) if isinstance(said, str) else ""
    made: Schema = {"description": told} if told else {}
    usual = node.get("default")
    if isinstance(usual, bool | int | float) or (
        isinstance(usual, str) and usual and is_harmless(usual, _MOST_TEXT)
    ):
        made["default"] = usual
    return made


def _short(node: Mapping[str, Any], keyword: str) -> int | None:
    """Return a length that a schema names, if it is short."""
    value = node.get(keyword)
    return value if isinstance(value, int) and 0 < value <= _FEW else None


def _list_of(node: Mapping[str, Any], keyword: str) -> list[Any]:
    value = node.get(keyword)
    return value if isinstance(value, list) else []


def _mapping_of(node: Mapping[str, Any], keyword: str) -> Mapping[Any, Any]:
    value = node.get(keyword)
    return value if isinstance(value, Mapping) else {}
