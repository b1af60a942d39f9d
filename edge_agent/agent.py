"""The agent: one loop that gathers evidence step by step, then reads the answer from it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from edge_agent.citations import cite, is_verdict
from edge_agent.errors import AgentError
from edge_agent.events import (
    Citation,
    Event,
    EvidenceAdded,
    RunFinished,
    RunStarted,
    SpanCut,
    Status,
    TextAppeared,
    TokenCounts,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
)
from edge_agent.evidence import Evidence, Exhibit, Quote
from edge_agent.guards import Guards
from edge_agent.index import Collection
from edge_agent.models import ModelError, Plan, Sampling, Span, SpanKind
from edge_agent.profiles import Profile
from edge_agent.protocol import Message, ToolCall, parse, render_failure, render_tools
from edge_agent.runs import new_run_id
from edge_agent.tools import TOOLS, ToolContext, ToolError, ToolResult
from edge_agent.turns import answer_turn, gathering_turn, opening_search, quotable_line
from edge_agent.window import make_room

if TYPE_CHECKING:
    from edge_agent.models.session import Session

Steps = Generator[Event, None, Any]
