"""A run under the keys of MiroThinker's own logs, which its viewer opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch
from typing import Any, TypeAlias

from edge_agent.events import (
    Event,
    EvidenceAdded,
    GatheringEnded,
    NoteWritten,
    Nudged,
    RunFinished,
    SpanCut,
    StepMeasured,
    TextAppeared,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    to_record,
)
from edge_agent.showing import json_text
from edge_agent.traces.account import Account, account, stamp
from edge_agent.traces.conversations import conversations

LogLine: TypeAlias = tuple[str, str, str]
"""What a line is called, what it says, and how grave it is: info, warning, error or debug."""

_AGENT = "main_agent"


def miroflow(events: Sequence[Event], times: Sequence[float]) -> str:
    """Return the log of a run; the message history is that of its last attempt."""
    run = account(events)
    done = run.finished
    stamps = [stamp(time) for time in times] or [""] * len(events)
    log = {
        "status": _status(run),
        "start_time": stamps[0],
        "end_time": stamps[-1] if done is not None else "",
        "task_id": run.started.run,
        "input": {"task_description": run.started.question, "task_file_name": ""},
        "ground_truth": "",
        "final_boxed_answer": (done.answer or "") if done is not None else "",
        "final_judge_result": "",
        "judge_type": "",
        "error": done.reason if done is not None and done.status == "failed" else "",
        "current_main_turn_id": run.steps[-1].number if run.steps else 0,
        "current_sub_agent_turn_id": 0,
        "sub_agent_counter": 0,
        "current_sub_agent_session_id": None,
        "env_info": {"model": run.started.model, "library": run.started.library},
        "log_dir": "",
        "main_agent_message_history": _history(events),
        "sub_agent_message_history_sessions": {},
        "step_logs": list(_step_logs(events, stamps)),
        "trace_data": {"spans": [_span(each) for each in run.measured]},
    }
    return json_text(log, indent=2) + "\n"


def _status(run: Account) -> str:
    """Return what such a log calls the end of a run: one without an answer is a success too."""
    if run.finished is None:
        return "running"
    return "failed" if run.finished.status == "failed" else "success"


def _history(events: Sequence[Event]) -> dict[str, Any]:
    """Return the last gathering, and where the answer was read elsewhere, that as well."""
    found = conversations(events)
    last = [each for each in found if each.attempt == found[-1].attempt]
    messages = [message for each in last for message in each.messages()]
    prompts = [message.content for message in messages if message.role == "system"]
    return {
        "system_prompt": prompts[0] if prompts else "",
        "message_history": [
            {"role": message.role, "content": [{"type": "text", "text": message.content}]}
            for message in messages
            if message.role != "system"
        ],
    }


def _span(measured: StepMeasured) -> dict[str, Any]:
    return {
        "name": f"Step {measured.step}",
        "agent_context": _AGENT,
        "duration_seconds": measured.seconds,
    }


def _step_logs(events: Sequence[Event], stamps: Sequence[str]) -> Iterator[dict[str, Any]]:
    for event, time in zip(events, stamps, strict=True):
        if isinstance(event, TextAppeared):
            continue
        name, message, level = _line(event)
        step = getattr(event, "step", None)
        record = to_record(event)
        yield {
            "step_name": name if step is None else f"{name} | Step {step}",
            "message": message,
            "timestamp": time,
            "info_level": level,
            "metadata": {k: v for k, v in record.items() if k != "text" or v != message},
        }


@singledispatch
def _line(event: Event) -> LogLine:
    """Return the line of a log for an event; one about which there is little to say is debug."""
    return f"Main Agent | {type(event).__name__}", "", "debug"


@_line.register
def _(event: TurnFinished) -> LogLine:
    return "LLM | Response", event.text, "info"


@_line.register
def _(event: ToolCalled) -> LogLine:
    return "Tool Call Start", f"{event.tool}: {event.arguments}", "info"


@_line.register
def _(event: ToolAnswered) -> LogLine:
    if event.failed:
        return "Tool Call Error", event.text, "error"
    return "Tool Call Success", event.text, "info"


@_line.register
def _(event: EvidenceAdded) -> LogLine:
    return "Main Agent | Evidence", f"[{event.key}] {event.title}", "info"


@_line.register(TurnRolledBack)
@_line.register(Nudged)
def _(event: TurnRolledBack | Nudged) -> LogLine:
    return "Main Agent | Guard", event.reason, "warning"


@_line.register
def _(event: SpanCut) -> LogLine:
    return "Main Agent | Window", f"{event.kind} of {event.tokens} tokens was cut", "debug"


@_line.register
def _(event: NoteWritten) -> LogLine:
    return "Main Agent | Window", event.text, "debug"


@_line.register
def _(event: GatheringEnded) -> LogLine:
    return "Main Agent | Gathering ended", event.reason, "info"


@_line.register
def _(event: RunFinished) -> LogLine:
    level = "error" if event.status == "failed" else "info"
    return "Main Agent | Finished", event.reason, level
