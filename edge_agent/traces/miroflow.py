"""A run under the keys of MiroThinker's own logs, which its viewer opens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from edge_agent.events import (
    Event,
    GatheringEnded,
    NoteWritten,
    Nudged,
    RunFinished,
    SpanCut,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    to_record,
)
from edge_agent.traces.account import Account, account
from edge_agent.traces.conversations import conversations


def miroflow(events: Sequence[Event], times: Sequence[float]) -> str:
    """Return the log of a run; the message history is that of its last attempt."""
    run = account(events)
    stamps = [_stamp(time) for time in times] or [""] * len(events)
    log = {
        "status": "running" if run.finished is None else _status(run.finished),
        "start_time": stamps[0],
        "end_time": stamps[-1] if run.finished is not None else "",
        "task_id": run.started.run,
        "input": {"task_description": run.started.question, "task_file_name": ""},
        "ground_truth": "",
        "final_boxed_answer": (run.finished.answer or "") if run.finished else "",
        "final_judge_result": "",
        "judge_type": "",
        "error": _error(run),
        "current_main_turn_id": run.steps[-1].number if run.steps else 0,
        "current_sub_agent_turn_id": 0,
        "sub_agent_counter": 0,
        "current_sub_agent_session_id": None,
        "env_info": {"model": run.started.model, "library": run.started.library},
        "log_dir": "",
        "main_agent_message_history": _history(events),
        "sub_agent_message_history_sessions": {},
        "step_logs": list(_step_logs(events, stamps)),
        "trace_data": {},
    }
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _status(finished: RunFinished) -> str:
    return "failed" if finished.status == "failed" else "success"


def _error(run: Account) -> str:
    failed = run.finished is not None and run.finished.status == "failed"
    return run.finished.reason if failed and run.finished is not None else ""


def _history(events: Sequence[Event]) -> dict[str, Any]:
    """Return the last gathering, and where the answer was read elsewhere, that as well."""
    found = conversations(events)
    last = [each for each in found if each.attempt == found[-1].attempt]
    messages = [message for each in last for message in each.messages if message.role != "system"]
    return {
        "system_prompt": last[0].messages[0].content,
        "message_history": [
            {"role": message.role, "content": [{"type": "text", "text": message.content}]}
            for message in messages
        ],
    }


def _step_logs(events: Sequence[Event], stamps: Sequence[str]) -> Iterator[dict[str, Any]]:
    for event, stamp in zip(events, stamps, strict=False):
        name, message, level = _line(event)
        metadata = {key: value for key, value in to_record(event).items() if key != "text"}
        yield {
            "step_name": f"{name} | Step {getattr(event, 'step', 0)}",
            "message": message,
            "timestamp": stamp,
            "info_level": level,
            "metadata": metadata,
        }


def _line(event: Event) -> tuple[str, str, str]:
    """Return what a log line is called, what it says, and how grave it is."""
    line = ("Main Agent", type(event).__name__, "debug")
    match event:
        case ToolCalled():
            line = ("Tool Call Start", f"{event.tool}: {event.arguments}", "info")
        case ToolAnswered():
            title = "Tool Call Error" if event.failed else "Tool Call Success"
            line = (title, event.text, "error" if event.failed else "info")
        case TurnFinished():
            line = ("LLM | Response", event.text, "info")
        case TurnRolledBack() | Nudged() | GatheringEnded():
            line = ("Main Agent | Guard", event.reason, "warning")
        case SpanCut() | NoteWritten():
            line = ("Main Agent | Window", type(event).__name__, "debug")
        case RunFinished():
            level = "error" if event.status == "failed" else "info"
            line = ("Main Agent | Finished", event.reason, level)
    return line


def _stamp(time: float) -> str:
    return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
