"""What a session cost in tokens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens counted since a session began.

    `prompt` were decoded as prompt, `new` of them for the first time, `generated` were drawn one by
    one. Prefill amplification is prompt ÷ new.
    """

    prompt: int = 0
    new: int = 0
    generated: int = 0
