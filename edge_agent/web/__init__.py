"""The web as one more library: search engines, pages, guards around them, and what was kept.

Nothing here is used unless the web was asked for.
"""

from __future__ import annotations

from .errors import WebError
from .library import WebLibrary
from .opening import check_engine, open_web

__all__ = ["WebError", "WebLibrary", "check_engine", "open_web"]
