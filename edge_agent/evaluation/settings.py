"""What an evaluation was made with: rows that differ in any of it do not belong together."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from edge_agent.evaluation.conditions import Terms, condition_of
from edge_agent.evaluation.questions import JudgingName, QuestionSet
from edge_agent.evaluation.respondent import Equipment
from edge_agent.evaluation.revision import revision
from edge_agent.index import Library
from edge_agent.models import RemoteModel
from edge_agent.models.hashing import sha256_of
from edge_agent.profiles import Profile


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """All that decides what comes of a question, apart from the question."""

    set: str
    set_sha256: str
    """Of the file with the questions."""
    format: str
    split: str
    """Empty where all questions are asked."""
    condition: str
    max_calls: int | None
    """Most tool calls of an attempt; None is the profile's own limit."""
    attempts: int
    seed: int
    model: str
    model_sha256: str
    """Of the weights; empty for a model behind a server."""
    adapter_sha256: str
    """Of the LoRA adapter; empty where there is none."""
    profile: str
    profile_sha256: str
    """Of all that the profile says, as the condition has it."""
    context: int
    """The window, in tokens."""
    libraries: tuple[str, ...]
    """Each with the number of its documents and passages, whether all of these are embedded, and a
    mark of its content."""
    by_meaning: bool
    """Whether libraries were searched by meaning, too."""
    judge: str
    """The address of the judge, with its name there; empty where there is none."""
    version: str
    """Of this program, with a mark of its code: its revision."""
    server: str = ""
    """The address of a model behind a server, with its name there; empty for one that is here."""
    kv_type: str = ""
    """Of the cache of a model in this process: `f16` or `q8_0`. It follows from the free memory."""
    repack: bool = False
    """Whether the weights were rearranged for the processor."""
    judging: JudgingName | Literal[""] = ""
    """How a judge is asked about answers to this set, whether there is one or not."""
    inference: str = ""
    """The library that runs a model in this process, with its version, and what it was built for.

    Evaluations that were stored before do not have it.
    """

    def differences(self, other: EvaluationSettings) -> tuple[str, ...]:
        """Return what another one's settings differ in: `seed (0, now 1)`."""
        names = (each.name for each in dataclasses.fields(self))
        return tuple(
            f"{name} ({self._shown(name)}, now {other._shown(name)})"
            for name in names
            if getattr(self, name) != getattr(other, name)
        )

    def _shown(self, name: str) -> str:
        """Return a setting as text."""
        if name in self._unknown():
            return "not known"
        value = getattr(self, name)
        text = ", ".join(value) if isinstance(value, tuple) else str(value)
        return text[:12] + "…" if re.fullmatch(r"[0-9a-f]{64}", text) else text or "none"

    def _unknown(self) -> frozenset[str]:
        """Return the settings that the version did not note by which the evaluation was stored."""
        is_remote = not self.model_sha256
        known = {
            "server": self.server or not is_remote,
            "kv_type": self.kv_type or is_remote,
            "repack": self.kv_type or is_remote,
            "judging": self.judging,
            "inference": self.inference or is_remote,
        }
        return frozenset(name for name, noted in known.items() if not noted)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What an evaluation is made with, by its content; the same for all conditions of a command."""

    model_sha256: str
    adapter_sha256: str
    libraries: tuple[str, ...]
    by_meaning: bool
    inference: str
    """What a model in this process is run by."""

    @classmethod
    def of(cls, equipment: Equipment, libraries: Iterable[Library]) -> Fingerprint:
        """Take the fingerprint; weights that no store holds are hashed now, which takes seconds."""
        model = equipment.model
        weights = adapter = inference = ""
        if not isinstance(model, RemoteModel):
            # Imported here: a model behind a server needs no native library.
            from edge_agent.models.engine import inference_library

            inference = inference_library()
            weights = model.sha256 or sha256_of(model.path)
            adapter = "" if model.adapter is None else sha256_of(model.adapter)
        opened = tuple(libraries)
        return cls(
            weights,
            adapter,
            tuple(_contents(library) for library in opened),
            any(library.embedder is not None for library in opened),
            inference,
        )


def settings_of(
    asked: QuestionSet,
    split: str | None,
    terms: Terms,
    equipment: Equipment,
    fingerprint: Fingerprint,
) -> EvaluationSettings:
    """Return the settings of an evaluation."""
    settled = terms.settled()
    model = equipment.model
    remote = isinstance(model, RemoteModel)
    searches = condition_of(settled.condition).searches
    return EvaluationSettings(
        set=asked.name,
        set_sha256=asked.sha256,
        format=asked.form,
        split=split or "",
        condition=settled.condition,
        max_calls=settled.max_calls,
        attempts=settled.attempts,
        seed=settled.seed,
        model=equipment.model_name,
        model_sha256=fingerprint.model_sha256,
        adapter_sha256=fingerprint.adapter_sha256,
        profile=equipment.profile.name,
        profile_sha256=_profile_sha256(settled.condition, equipment.profile),
        context=equipment.engine.context,
        libraries=fingerprint.libraries if searches else (),
        by_meaning=fingerprint.by_meaning and searches,
        judge="" if equipment.judge is None else equipment.judge.address,
        version=revision(),
        server=model.address if isinstance(model, RemoteModel) else "",
        kv_type="" if remote else equipment.engine.kv_type,
        repack=not remote and equipment.engine.repack,
        judging=equipment.judging,
        inference=fingerprint.inference,
    )


def under(settings: EvaluationSettings, condition: str, profile: Profile) -> EvaluationSettings:
    """Return the settings under another condition that leaves the same choices.

    `profile` is the one of the settings, as it ships.
    """
    changed = _profile_sha256(condition, profile)
    return dataclasses.replace(settings, condition=condition, profile_sha256=changed)


def usual_name(settings: EvaluationSettings) -> str:
    """Return what an evaluation is called where nobody names it: what it mainly is."""
    parts = [settings.set, settings.split, settings.condition, settings.model]
    if settings.max_calls is not None:
        parts += ["calls", str(settings.max_calls)]
    if settings.attempts > 1:
        parts += ["attempts", str(settings.attempts)]
    if settings.seed:
        parts += ["seed", str(settings.seed)]
    named = "-".join(part for part in parts if part)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", named).strip("-.")[:150] or "evaluation"


def _contents(library: Library) -> str:
    held = library.statistics()
    counts = f"{held.documents} documents, {held.passages} passages"
    # Where some are not embedded, only the best by words are compared by meaning.
    embedded = ", embedded" if held.embedded == held.passages else ""
    return f"{held.name}: {counts}{embedded}, content {library.content_mark()}"


def _profile_sha256(condition: str, profile: Profile) -> str:
    led = condition_of(condition).led(profile)
    return hashlib.sha256(led.model_dump_json().encode("utf-8")).hexdigest()
