"""What a model is: catalogue, download, verification, the llama.cpp session.

Importing this loads no native library; `edge_agent.models.session` and `.engine` do.
"""

from __future__ import annotations

from .catalog import Catalog, CatalogEntry, load_catalog
from .decoding import Choose, Force, Piece, Plan, Sample, Sampling, Step
from .download import PullProgress, add_from_url, pull
from .engine_settings import EngineSettings
from .errors import (
    ContextFull,
    DownloadError,
    GrammarError,
    HashMismatch,
    InvalidModelFile,
    ModelError,
    ModelLoadError,
    NotEnoughMemory,
    OfflineError,
    UnknownModel,
)
from .gguf_file import GgufHeader, read_header
from .grammar import is_json, json_schema_grammar, missing_end
from .memory import MemoryNeed, free_memory, memory_need, require_memory
from .spans import Span, SpanKind
from .store import InstalledModel, ModelStore

__all__ = [
    "Catalog",
    "CatalogEntry",
    "Choose",
    "ContextFull",
    "DownloadError",
    "EngineSettings",
    "Force",
    "GgufHeader",
    "GrammarError",
    "HashMismatch",
    "InstalledModel",
    "InvalidModelFile",
    "MemoryNeed",
    "ModelError",
    "ModelLoadError",
    "ModelStore",
    "NotEnoughMemory",
    "OfflineError",
    "Piece",
    "Plan",
    "PullProgress",
    "Sample",
    "Sampling",
    "Span",
    "SpanKind",
    "Step",
    "UnknownModel",
    "add_from_url",
    "free_memory",
    "is_json",
    "json_schema_grammar",
    "load_catalog",
    "memory_need",
    "missing_end",
    "pull",
    "read_header",
    "require_memory",
]
