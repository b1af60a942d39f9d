"""Why gathering ended, as events and people are told."""

from __future__ import annotations

ENOUGH = "enough evidence"
USUAL_DEPTH = "usual depth"
"""The profile's own number of calls was made: nobody cut it short."""
NO_PROGRESS = "no progress"
CALL_LIMIT = "call limit"
TIME_LIMIT = "time limit"
TOKEN_LIMIT = "token limit"
INTERRUPTED = "interrupted"
MODEL_ERROR = "model error"
CUT_SHORT = (CALL_LIMIT, TIME_LIMIT, TOKEN_LIMIT, INTERRUPTED, MODEL_ERROR)
"""Beginnings of reasons after which an answer is partial: more could have been found."""
