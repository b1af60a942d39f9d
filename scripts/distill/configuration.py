"""The configuration that all programs of this folder share."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SHIPPED = Path(__file__).with_name("distill.toml")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Variant(_Frozen):
    """A way in which questions are taught."""

    results: int | None = None
    """Passages that a search shows; None is the profile's own number."""
    named: int | None = None
    """Passages beside them, of documents that those name; None is the profile's own number."""
    result_tokens: int | None = None
    """Tokens that a result may have; None is the profile's own number."""
    withheld: bool = False
    """Whether evidence is taken out of the library."""
    share: float = Field(default=1.0, gt=0, le=1)
    """Share of the questions."""
    sets: tuple[str, ...] | None = None
    """Sets that are taught so; None is all."""


class Teach(_Frozen):
    """How runs are taught."""

    single_hop: int
    """Most questions of a set whose questions have one need."""
    variants: dict[str, Variant]


class Read(_Frozen):
    """How readings are made."""

    distractors: tuple[int, int]
    """Fewest and most passages beside the evidence."""
    times: dict[str, int]
    """Readings of each question, by set."""
    single_hop: int
    """Most questions of a set whose questions have one need."""
    borrowed: dict[str, str]
    """Sets of questions without a corpus, and whose corpus the other passages are from."""
    unanswerable: float
    """Share of readings without the evidence."""


class Train(_Frozen):
    """How an adapter is trained."""

    rank: int
    alpha: int
    dropout: float
    first_layer: int
    rate: float
    warmup: float
    epochs: float
    batch_tokens: int
    minutes: float
    checkpoint_minutes: float


class Configuration(_Frozen):
    """All of it."""

    sets: tuple[str, ...]
    profile: str
    base: str
    seed: int
    teach: Teach
    read: Read
    train: Train


def load_configuration(path: Path | None = None) -> Configuration:
    """Return the configuration at `path`, or the one that lies beside the programs."""
    text = (path or _SHIPPED).read_text(encoding="utf-8")
    return Configuration.model_validate(tomllib.loads(text))
