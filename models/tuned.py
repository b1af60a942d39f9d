"""What was measured to suit a model on this machine, and the settings to load it with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .engine_settings import Adapter, EngineSettings, KvType
from .machine import free_memory, machine_identity
from .memory import fitting_kv_type, memory_need
from .store import InstalledModel
from .whole_file import whole_file


@dataclass(frozen=True, slots=True)
class Tuned:
    """The settings that `models tune` found best."""

    threads: int
    batch: int
    kv_type: KvType
    repack: bool


class TunedSettings:
    """A file with the tuned settings of each model, apart for each machine and llama.cpp."""

    def __init__(self, path: Path) -> None:
        """Look after the file at `path`; it need not exist yet."""
        self._path = path

    def find(self, model: InstalledModel) -> Tuned | None:
        """Return what was measured for a model's weights on this machine, or None."""
        try:
            return TypeAdapter(Tuned).validate_python(self._records().get(_key(model)))
        except ValidationError:
            return None

    def keep(self, model: InstalledModel, tuned: Tuned) -> None:
        """Remember what was measured for a model's weights, in place of what was before."""
        everywhere = self._read()
        everywhere[_situation()] = {**self._records(), _key(model): asdict(tuned)}
        with whole_file(self._path) as file:
            file.write(json.dumps(everywhere, indent=1))

    def _records(self) -> dict[str, Any]:
        """Return what is known for this machine, by model."""
        records = self._read().get(_situation())
        return records if isinstance(records, dict) else {}

    def _read(self) -> dict[str, Any]:
        """Return what is known, by machine; a damaged file is as good as none."""
        try:
            everywhere = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return everywhere if isinstance(everywhere, dict) else {}


def settings_for(
    model: InstalledModel,
    tuned: Tuned | None,
    *,
    context: int,
    kv_type: KvType | None = None,
    lock: bool = False,
) -> EngineSettings:
    """Return what to load a model with: what was asked for, then what was tuned, then defaults.

    Where no cache type was asked for, it is f16 while that fits into the memory that is free.
    """
    settings = EngineSettings(
        context=context,
        lock=lock,
        adapter=None if model.adapter is None else Adapter(model.adapter),
    )
    if tuned is not None:
        settings = _with_room(replace(settings, **asdict(tuned)), model)
    if kv_type is not None:
        return replace(settings, kv_type=kv_type)
    if settings.kv_type == "q8_0" or model.header is None:
        return settings
    return fitting_kv_type(model.bytes, model.header, settings)


def _with_room(settings: EngineSettings, model: InstalledModel) -> EngineSettings:
    """Return settings without the second copy of the weights where there is no room for that."""
    if not settings.repack or model.header is None:
        return settings
    lean = replace(settings, kv_type="q8_0")
    fits = memory_need(model.bytes, model.header, lean).total <= free_memory()
    return settings if fits else replace(settings, repack=False)


def _key(model: InstalledModel) -> str:
    """Name the weights, which an adapter shares with its base."""
    return f"{model.path.name} {model.path.stat().st_size}"


def _situation() -> str:
    return f"{machine_identity()} llama-cpp-python {version('llama-cpp-python')}"
