"""The interpreter behind the tools that run code: a Python without files, network or modules of C.

Code runs in a process of its own (pydantic-monty), with limits on time and memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from edge_agent.tools.base import ToolContext, ToolError

if TYPE_CHECKING:
    from pydantic_monty import MontyError, MontySession

_SECONDS = 5.0
_BYTES = 64_000_000
_DEPTH = 500
_PRINTED_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Ran:
    """What code printed, and the value of its last line as text, where it has one."""

    printed: str
    value: str | None

    @property
    def output(self) -> str:
        """All that it told."""
        return "\n".join(part for part in (self.printed.strip(), self.value) if part)


def run_code(code: str, earlier: Sequence[str], context: ToolContext) -> Ran:
    """Run code after the code of the earlier calls, whose variables it may use.

    `earlier` belongs to `context.earlier`. The texts of the evidence are `passages`, by key, each
    time those that there were. Raises ToolError for code that fails, of which nothing is kept.
    """
    from pydantic_monty import CollectString, MontyError

    printed = CollectString(_PRINTED_BYTES)
    with _session() as session:
        try:
            _repeat(session, earlier, context)
        except MontyError as error:
            raise ToolError(f"what was computed before cannot be repeated: {error}") from error
        try:
            value = session.feed_run(
                code,
                inputs={"passages": _passages(context, len(context.evidence))},
                print_callback=printed,
            )
        except MontyError as error:
            raise ToolError(_explained(error)) from error
    return Ran(printed.output, _as_text(value))


@contextmanager
def _session() -> Iterator[MontySession]:
    """Lend an interpreter in a process of its own. Raises ToolError where none can be started."""
    from pydantic_monty import Monty

    with ExitStack() as opened:
        try:
            pool = opened.enter_context(Monty())
            session = opened.enter_context(
                pool.checkout(
                    limits={
                        "max_feed_duration_secs": _SECONDS,
                        "max_memory": _BYTES,
                        "max_recursion_depth": _DEPTH,
                    },
                    # The same code comes to the same when the run is gone on with.
                    os_policy={
                        "datetime": datetime.now().astimezone(),
                        "sleep": "zero",
                        "random_start": {"seed": 0},
                    },
                )
            )
        except (OSError, RuntimeError) as error:
            raise ToolError(f"the interpreter cannot be started: {error}") from error
        yield session


def _repeat(session: MontySession, earlier: Sequence[str], context: ToolContext) -> None:
    from pydantic_monty import CollectString

    for code, call in zip(earlier, context.earlier, strict=True):
        session.feed_run(
            code,
            inputs={"passages": _passages(context, call.known)},
            print_callback=CollectString(_PRINTED_BYTES),
        )


def _passages(context: ToolContext, known: int) -> Mapping[int, str]:
    """Return the texts of the first passages by their keys."""
    return {each.key: each.passage.text for each in context.evidence.since(0)[:known]}


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    try:
        return str(value)
    except ValueError as error:  # Python writes no number of more than some thousand digits
        raise ToolError(f"the result cannot be shown: {error}") from error


def _explained(error: MontyError) -> str:
    """Return what is wrong with code, and in which line, for the model to read."""
    from pydantic_monty import MontyRuntimeError, MontySyntaxError

    if not isinstance(error, MontyRuntimeError | MontySyntaxError):
        return f"{error}. Nothing of this code was kept."
    frames = error.traceback()
    said = error.display("type-msg")
    if not frames:
        return f"{said}. Nothing of this code was kept."
    shown = (frames[0].source_line or "").strip()
    return f"line {frames[0].line}, `{shown}`: {said}. Nothing of this code was kept."
