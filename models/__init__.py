"""What a model is: catalogue, download, verification, the llama.cpp session.

Importing this loads no native library and no network client; `edge_agent.models.session`, `.engine`
and `.chat_server` do.
"""

from __future__ import annotations

from .any_session import AnySession
from .catalog import Catalog, CatalogEntry, load_catalog
from .decoding import Choose, Force, Piece, Plan, Reluctance, Sample, Sampling, Step
from .download import PullProgress, add_from_url, pull
from .engine_settings import DEFAULT_CONTEXT, Adapter, EngineSettings, KvType
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
    ServerError,
    UnknownModel,
)
from .gguf_file import GgufHeader, read_header
from .grammar import is_json, json_schema_grammar, missing_end
from .machine import free_memory, usable_cores
from .memory import expected_need, memory_need, require_memory
from .remote_model import RemoteModel, on_this_machine, remote_model
from .sizes import megabytes
from .spans import Span, SpanKind
from .store import InstalledModel, ModelStore
from .tuned import Tuned, TunedSettings, settings_for
from .usage import Usage

__all__ = [
    "DEFAULT_CONTEXT",
    "Adapter",
    "AnySession",
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
    "KvType",
    "ModelError",
    "ModelLoadError",
    "ModelStore",
    "NotEnoughMemory",
    "OfflineError",
    "Piece",
    "Plan",
    "PullProgress",
    "Reluctance",
    "RemoteModel",
    "Sample",
    "Sampling",
    "ServerError",
    "Span",
    "SpanKind",
    "Step",
    "Tuned",
    "TunedSettings",
    "UnknownModel",
    "Usage",
    "add_from_url",
    "expected_need",
    "free_memory",
    "is_json",
    "json_schema_grammar",
    "load_catalog",
    "megabytes",
    "memory_need",
    "missing_end",
    "on_this_machine",
    "pull",
    "read_header",
    "remote_model",
    "require_memory",
    "settings_for",
    "usable_cores",
]
