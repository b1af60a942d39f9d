"""JSON that any file can hold, and any reader of lines can split."""

from __future__ import annotations

import json
import re
from typing import Any

_UNWRITABLE = re.compile(r"[\x85\u2028\u2029\ud800-\udfff]")
"""What ends a line for some readers, and halves of characters, which no UTF-8 can hold."""


def json_text(value: Any, indent: int | None = None) -> str:
    """Return `value` as JSON, in one line unless there is an `indent`."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _UNWRITABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
