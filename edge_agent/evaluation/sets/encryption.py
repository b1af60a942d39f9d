"""The encryption that keeps benchmarks out of training data: base64, and XOR with a key."""

from __future__ import annotations

import base64
import hashlib
from itertools import cycle


def canary_key(canary: str) -> bytes:
    """Return the key that BrowseComp makes of a canary: its SHA-256, 32 bytes."""
    return hashlib.sha256(canary.encode("utf-8")).digest()


def decrypted(text: str, key: bytes) -> str:
    """Return the text that `encrypted` hid. Raises ValueError where the key is a wrong one."""
    hidden = base64.b64decode(text, validate=True)
    return _combined(hidden, key).decode("utf-8")


def encrypted(text: str, key: bytes) -> str:
    """Return base64 of the bytes of `text`, each XORed with one of `key`, which is repeated."""
    return base64.b64encode(_combined(text.encode("utf-8"), key)).decode("ascii")


def _combined(text: bytes, key: bytes) -> bytes:
    if not key:
        raise ValueError("its canary is empty")
    return bytes(byte ^ part for byte, part in zip(text, cycle(key), strict=False))
