"""What happens in a run, as values. Every face, store and exporter reads this one stream."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

Status: TypeAlias = Literal["answered", "partial", "not_found", "failed"]

WEB = "the web"
"""What the web is called among libraries; those of documents have no spaces in their names."""
ATTACHED = "attached files"
"""What the files that a question is asked about are called together."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of the passage with this key, word for word."""

    key: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that an answer rests on; `quote` stands in it word for word."""

    key: int
    title: str
    source: str
    place: str
    quote: str
    supported: bool
    library: str = ""
    """The library that the passage is in, or WEB."""

    @property
    def is_from_the_web(self) -> bool:
        """Whether the passage stands on a page of the web."""
        return self.library == WEB


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens of a run: decoded as prompt, of those never seen before, and drawn one by one."""

    prompt: int
    new: int
    generated: int

    def __add__(self, other: TokenCounts) -> TokenCounts:
        """Return the counts of both."""
        return TokenCounts(
            self.prompt + other.prompt, self.new + other.new, self.generated + other.generated
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer, and the passages that bear it out."""

    text: str
    keys: tuple[int, ...]

    @property
    def supported(self) -> bool:
        """Whether a passage says so."""
        return bool(self.keys)


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that the question was asked about: its whole path, and the hash of its content."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A question was put. What is needed to go on with the run elsewhere is all here."""

    run: str
    question: str
    model: str
    library: str
    profile: str
    seed: int
    max_calls: int
    max_seconds: float | None = None
    max_tokens: int | None = None
    attempts: int = 1
    vote: bool = False
    context: int = 0
    """The window, in tokens."""
    model_source: str = ""
    """The model as it can be asked for again: a name, a path or an address."""
    libraries: tuple[str, ...] = ()
    """The libraries as they can be asked for again: names or paths."""
    files: tuple[AttachedFile, ...] = ()
    """What is searched beside them, in this run alone."""
    profile_source: str = ""
    """The profile as it can be asked for again: a name or a path."""
    tools: tuple[str, ...] = ()
    """What was asked for beside the profile's own tools, by name."""
    web: bool = False
    """Whether the web is searched where the libraries do not answer."""
    system: str = ""
    """The system prompt while evidence is gathered."""
    prompt: str = ""
    """The question as the model sees it."""
    parent: str = ""
    """The run that this one was forked from."""
    parent_step: int = 0
    """The last step that both have."""


@dataclass(frozen=True, slots=True)
class RunResumed:
    """The run goes on after a stop or a crash, with this budget."""

    run: str
    max_calls: int
    max_seconds: float | None
    max_tokens: int | None


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """Another attempt begins, with an empty window; `summary` tells it how the last one went."""

    attempt: int
    summary: str
    web: bool = False
    """Whether it searches the web, too."""

    @property
    def title(self) -> str:
        """What people call it."""
        return f"Attempt {self.attempt}, on the web" if self.web else f"Attempt {self.attempt}"


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    """An attempt came to its end, counted from 1."""

    attempt: int
    status: Status
    answer: str | None
    citations: tuple[Citation, ...]
    claims: tuple[Claim, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The model begins to write; `step` counts from 1."""

    step: int


@dataclass(frozen=True, slots=True)
class TextAppeared:
    """Some text of the turn being written. Passing: it is not stored, the finished turn is."""

    step: int
    text: str
    origin: Literal["forced", "chosen", "sampled"]


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The model ended its message; `text` is all of it."""

    step: int
    text: str


@dataclass(frozen=True, slots=True)
class TurnRolledBack:
    """A guard took the turn back, and says why; `told` is what the model reads instead of it."""

    step: int
    reason: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Nudged:
    """A guard left things as they are, and told the model something."""

    step: int
    reason: str
    told: str


@dataclass(frozen=True, slots=True)
class UserSpoke:
    """The person who asked said something while the run went on, seen by the model as `prompt`."""

    step: int
    text: str
    prompt: str
    message: int | None = None
    """Its number among the messages that were left for the run, or None."""


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A tool is about to run."""

    step: int
    tool: str
    arguments: dict[str, Any]
    server: str = "library"


@dataclass(frozen=True, slots=True)
class EvidenceAdded:
    """A passage was shown for the first time and has its key for good."""

    step: int
    key: int
    passage: str
    document: str
    title: str
    source: str
    place: str
    text: str
    library: str = ""
    headings: tuple[str, ...] = ()
    page: int | None = None
    line: int = 1
    start: int = 0
    end: int = 0

    @property
    def is_from_the_web(self) -> bool:
        """Whether it stands on a page of the web."""
        return self.library == WEB


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """A tool's result, as the model sees it; `keys` are the passages shown in it."""

    step: int
    tool: str
    text: str
    keys: tuple[int, ...]
    failed: bool = False
    shown: tuple[Quote, ...] = ()
    """The sentences that the model may quote from now on."""


@dataclass(frozen=True, slots=True)
class SpanCut:
    """A span left the window to make room; `position` is its place among the spans, from 0."""

    step: int
    kind: str
    tokens: int
    position: int = -1


@dataclass(frozen=True, slots=True)
class NoteWritten:
    """What was found so far was written into the window again, as the turns that said it left."""

    step: int
    text: str


@dataclass(frozen=True, slots=True)
class StepMeasured:
    """What a step has cost, at its end; tokens and seconds are of this step alone."""

    step: int
    window: int
    """Tokens in the window."""
    context: int
    """Tokens that the window can hold."""
    tokens: TokenCounts
    seconds: float
    resident: int
    """Bytes of memory that the process holds."""


@dataclass(frozen=True, slots=True)
class GatheringEnded:
    """No more evidence is looked for in this attempt, and why."""

    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReadingStarted:
    """The answer is about to be read from the passages of `keys`, shown as `prompt`."""

    step: int
    keys: tuple[int, ...]
    system: str
    prompt: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The end of every run, also of a stopped one."""

    run: str
    status: Status
    answer: str | None
    citations: tuple[Citation, ...]
    calls: int
    seconds: float
    tokens: TokenCounts
    reason: str
    """Why the run ended, in a few words: `answered`, `call limit`, `interrupted`, …"""
    claims: tuple[Claim, ...] = ()
    web: bool = False
    """Whether the web was searched, too."""


Event: TypeAlias = (
    RunStarted
    | RunResumed
    | AttemptStarted
    | AttemptFinished
    | TurnStarted
    | TextAppeared
    | TurnFinished
    | TurnRolledBack
    | Nudged
    | UserSpoke
    | ToolCalled
    | EvidenceAdded
    | ToolAnswered
    | SpanCut
    | NoteWritten
    | StepMeasured
    | GatheringEnded
    | ReadingStarted
    | RunFinished
)

_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Event)}

_VALUES: dict[str, type[Any]] = {
    "citations": Citation,
    "claims": Claim,
    "files": AttachedFile,
    "shown": Quote,
    "tokens": TokenCounts,
}
"""Fields whose JSON objects become values; `tokens` of a cut span is a plain number."""


def to_record(event: Event) -> dict[str, Any]:
    """Return `event` as a JSON-ready dictionary, its kind under `event`."""
    return {"event": type(event).__name__, **dataclasses.asdict(event)}


def from_record(record: dict[str, Any]) -> Event:
    """Return the event of a dictionary made by `to_record`, also after a trip through JSON.

    Raises KeyError for an unknown kind and TypeError for fields that do not fit it.
    """
    values = {name: _restored(name, value) for name, value in record.items() if name != "event"}
    event: Event = _KINDS[record["event"]](**values)
    return event


def _restored(field: str, value: Any) -> Any:
    """Return the value of a field as it was before JSON, which has lists and objects alone."""
    if isinstance(value, (list, tuple)):
        return tuple(_restored(field, each) for each in value)
    if isinstance(value, dict) and field in _VALUES:
        return _VALUES[field](**{name: _restored(name, each) for name, each in value.items()})
    return value
