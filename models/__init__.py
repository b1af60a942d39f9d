"""What a model is: catalogue, download, verification, the llama.cpp session.

Importing this loads no native library; `edge_agent.models.session` and `.engine` do.
"""

from __future__ import annotations

from .decoding import Choose, Force, Piece, Plan, Sample, Sampling, Step
from .errors import ContextFull, GrammarError, InvalidModelFile, ModelError, ModelLoadError
from .grammar import is_json, json_schema_grammar, missing_end
from .spans import Span, SpanKind

__all__ = [
    "Choose",
    "ContextFull",
    "Force",
    "GrammarError",
    "InvalidModelFile",
    "ModelError",
    "ModelLoadError",
    "Piece",
    "Plan",
    "Sample",
    "Sampling",
    "Span",
    "SpanKind",
    "Step",
    "is_json",
    "json_schema_grammar",
    "missing_end",
]
