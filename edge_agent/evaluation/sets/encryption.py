"""The encryption that keeps benchmarks out of training data: base64, and XOR with a key."""

from __future__ import annotations

import base64
import hashlib
from itertools import cycle


def canary_key(canary: str) -> bytes:
    """Return the key that BrowseComp makes of a canary: its SHA-256, 32 bytes."""
    return hashlib.sha256(canary.encode("utf-8")).digest()


def decrypted(text: str, key: bytes) -> str:
    """Return the text whose bytes were XORed with those of `key`, repeated, and put into base64.

    Raises ValueError where the key is a wrong one, or empty.
    """
    hidden = base64.b64decode(text, validate=True)
    if not key:
        raise ValueError("its canary is empty")
    plain = bytes(byte ^ part for byte, part in zip(hidden, cycle(key), strict=False))
    return plain.decode("utf-8")
