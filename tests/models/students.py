"""A catalogue with a student: a random adapter over the smallest real model, or over a tiny one."""

from __future__ import annotations

from pathlib import Path

from tiny_models import write_adapter

from edge_agent.models import Catalog, CatalogEntry
from edge_agent.models.catalog import CatalogFile, FileSource, ShippedAdapter
from edge_agent.models.hashing import sha256_of

CARD = """# student

F1 on nothing: 0.

| a | b |
| --- | --- |

## Data

None.
"""

SMOLLM2_SHAPES = {
    name: shape
    for layer in range(30)
    for name, shape in {
        f"blk.{layer}.attn_v.weight": (576, 192),
        f"blk.{layer}.ffn_down.weight": (1536, 576),
    }.items()
}
"""Inputs and outputs of two weights of every layer of smollm2-135m."""

TINY_SHAPES = {"token_embd.weight": (64, 3)}


def students_catalog(
    folder: Path,
    base: Path,
    *,
    shapes: dict[str, tuple[int, int]],
    profile: str = "edge",
    small_memory: int = 0,
) -> Catalog:
    """Return a catalogue of `base` and of two students over it, whose files are made in `folder`.

    `student` is the default; where less than `small_memory` is free it is `small`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = [_whole("base", base, "generic"), _whole("searcher", base, "")]
    for name in ("student", "small"):
        adapter = write_adapter(folder / f"{name}.gguf", "llama", shapes)
        (folder / f"{name}.md").write_text(CARD)
        entries.append(_student(name, adapter, profile))
    return Catalog(
        default="student",
        default_small="small",
        default_memory=small_memory,
        embedder="searcher",
        models=tuple(entries),
        adapters=folder,
    )


def shipping(catalog: Catalog, adapter: Path) -> Catalog:
    """Return a catalogue whose students are made of another adapter, as a later version's may."""
    models = (
        entry if entry.adapter is None else _student(entry.name, adapter)
        for entry in catalog.models
    )
    return catalog.model_copy(update={"models": tuple(models)})


def rebased(catalog: Catalog, base: Path) -> Catalog:
    """Return a catalogue whose students are over another base of that name, as a later one may."""
    whole = _whole("base", base, "generic")
    models = (whole if entry.name == whole.name else entry for entry in catalog.models)
    return catalog.model_copy(update={"models": tuple(models)})


def _whole(name: str, path: Path, profile: str) -> CatalogEntry:
    file = CatalogFile(
        name=path.name,
        bytes=path.stat().st_size,
        sha256=sha256_of(path),
        sources=(FileSource(kind="file", path=str(path)),),
    )
    return CatalogEntry(name=name, title="Base", licence="MIT", profile=profile, files=(file,))


def _student(name: str, adapter: Path, profile: str = "edge") -> CatalogEntry:
    shipped = ShippedAdapter(
        name=adapter.name, bytes=adapter.stat().st_size, sha256=sha256_of(adapter)
    )
    return CatalogEntry(
        name=name,
        title="Student",
        licence="Apache-2.0",
        profile=profile,
        base="base",
        adapter=shipped,
    )
