"""A server without the `mcp` package, of an older version of the protocol, for what goes wrong.

python bare_server.py [--tools N] [--pids FILE] [--die]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

_PAGE = 10


class BareServer:
    """Answers one request after the other, on standard output."""

    def __init__(self, tools: int) -> None:
        self._names = ["weather", "count", "die", "hang", *(f"tool_{n}" for n in range(tools))]
        self._calls = 0

    def serve(self) -> None:
        for line in sys.stdin:
            request = json.loads(line)
            if "id" in request:
                answer = self._answered(request["method"], request.get("params") or {})
                self._send({"jsonrpc": "2.0", "id": request["id"], **answer})

    def _send(self, message: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    def _answered(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "initialize":
            itself = {"name": "bare", "version": "1"}
            given = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}
            return {"result": {**given, "serverInfo": itself}}
        if method == "tools/list":
            return {"result": self._page(int(params.get("cursor") or 0))}
        if method == "tools/call":
            text = self._called(params["name"])
            return {"result": {"content": [{"type": "text", "text": text}]}}
        return {"error": {"code": -32601, "message": "Method not found"}}

    def _page(self, start: int) -> dict[str, Any]:
        """Return some tools, and where more of them begin."""
        schema = {"type": "object", "properties": {"town": {"type": "string"}}}
        listed = [
            {"name": name, "description": f"Do {name}.", "inputSchema": schema}
            for name in self._names[start : start + _PAGE]
        ]
        more = start + _PAGE < len(self._names)
        return {"tools": listed, **({"nextCursor": str(start + _PAGE)} if more else {})}

    def _called(self, name: str) -> str:
        self._calls += 1
        if name == "die":
            sys.stderr.write("the anchor is lost\n")
            sys.stderr.flush()
            os._exit(3)
        if name == "hang":
            time.sleep(3600)
        if name == "weather":
            return "The harbour of Larvik freezes on Friday."
        return f"Call number {self._calls} of process {os.getpid()}."


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", type=int, default=0)
    parser.add_argument("--pids", type=Path)
    parser.add_argument("--die", action="store_true")
    asked = parser.parse_args()
    if asked.pids:
        with asked.pids.open("a") as file:
            file.write(f"{os.getpid()}\n")
    if asked.die:
        sys.stderr.write("\x1b[31mno chart of these waters\n")
        raise SystemExit(4)
    BareServer(asked.tools).serve()


if __name__ == "__main__":
    main()
