"""The interpreter behind the tools that run code: a Python without files, network or modules of C.

Code runs in a process of its own (pydantic-monty), with limits on time and memory.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING

from edge_agent.tools.base import ToolContext, ToolError

if TYPE_CHECKING:
    from pydantic_monty import MontyError, MontySession

_SECONDS = 5.0
_BYTES = 64_000_000
_DEPTH = 500
_PRINTED_BYTES = 1_000_000
_SHOWN = 1_000_000
"""Characters of a value that are shown."""
_VALUE = "__value__"
"""What the value of the last line is called in there.

It stays there: a list of lists of lists, each twice the one before, is small as long as nobody
counts what is in it, and gigabytes out here.
"""
_NO_VALUE = "\nNone"
"""What code ends with whose last line is not to be fetched."""


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
    named = _with_named_value(code)
    with _session() as session:
        try:
            _repeat(session, earlier, context)
        except MontyError as error:
            raise ToolError(f"what was computed before cannot be repeated: {error}") from error
        try:
            session.feed_run(
                named or code + _NO_VALUE,
                inputs={"passages": _passages(context, len(context.evidence))},
                print_callback=printed,
            )
        except MontyError as error:
            raise ToolError(_explained(error, code)) from error
        return Ran(printed.output, _value(session) if named else None)


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
            code + _NO_VALUE,
            inputs={"passages": _passages(context, call.known)},
            print_callback=CollectString(_PRINTED_BYTES),
        )


def _passages(context: ToolContext, known: int) -> Mapping[int, str]:
    """Return the texts of the first passages by their keys."""
    return {each.key: each.passage.text for each in context.evidence.since(0)[:known]}


def _with_named_value(code: str) -> str | None:
    """Return code that names the value of its last line, with every line where it was.

    None where that line has no value, or cannot be told: the interpreter says what is wrong.
    """
    try:
        last = ast.parse(code).body[-1]
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        return None
    if not isinstance(last, ast.Expr):
        return None
    data = code.encode()  # in which Python counts
    lines = [0, *accumulate(map(len, data.splitlines(keepends=True)))]
    begin = lines[last.lineno - 1] + last.col_offset
    end = lines[(last.end_lineno or last.lineno) - 1] + (last.end_col_offset or 0)
    parts = data[:begin], f"{_VALUE} = (".encode(), data[begin:end], b")", data[end:]
    return b"".join(parts).decode() + _NO_VALUE


def _value(session: MontySession) -> str | None:
    """Return the value that was named as text, as much of it as is shown. Raises ToolError."""
    from pydantic_monty import MontyError

    try:
        shown = session.feed_run(f'None if {_VALUE} is None else f"{{{_VALUE}!s}}"[:{_SHOWN}]')
    except MontyError as error:  # Python writes no number of more than some thousand digits
        raise ToolError(f"the result cannot be shown: {error}") from error
    return None if shown is None else str(shown)


def _explained(error: MontyError, code: str) -> str:
    """Return what is wrong with code, and in which line, for the model to read."""
    from pydantic_monty import MontyRuntimeError, MontySyntaxError

    if not isinstance(error, MontyRuntimeError | MontySyntaxError):
        return f"{error}. Nothing of this code was kept."
    frames = error.traceback()
    said = error.display("type-msg")
    if not frames:
        return f"{said}. Nothing of this code was kept."
    lines = code.splitlines()
    line = min(frames[0].line, len(lines))  # what is not closed is so to the end
    return f"line {line}, `{lines[line - 1].strip()}`: {said}. Nothing of this code was kept."
