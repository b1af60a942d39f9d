"""The interface in a browser: who gets in, what is sent, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from edge_agent.serving.place import ServingError
from edge_agent.tui.endpoint import BrowserEndpoint
from edge_agent.tui.serving import serve

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("textual_serve")

from aiohttp import CookieJar, WSMsgType  # noqa: E402
from aiohttp.test_utils import TestClient, TestServer  # noqa: E402

from edge_agent.tui import browser_session  # noqa: E402
from edge_agent.tui.site import Site  # noqa: E402

PAGE = Path(browser_session.__file__).parent / "page"
TOKEN = "a-token-that-only-tests-know"
APP = """
import os, sys, time
from pathlib import Path
from textual.app import App
from textual.widgets import Input

class Small(App):
    def compose(self):
        yield Input(placeholder="Ask away")

    def on_mount(self):
        (Path(__file__).parent / f"{os.getpid()}.pid").touch()

    def on_input_changed(self, event):
        if event.value == "hang":
            time.sleep(600)
        if event.value == "fail":
            raise SystemExit("The library is locked.")
        if event.value == "file":
            self.deliver_text(Path(__file__), mime_type="text/html")
        if event.value == "leave":
            self.exit()

Small().run()
"""
SERVER = """
import signal, sys
from edge_agent.tui.endpoint import BrowserEndpoint
from edge_agent.tui.serving import serve

# As in a terminal of its own, whatever the tests were started under.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
serve(sys.argv[1:], BrowserEndpoint(port=0), lambda address: print(address, flush=True))
"""

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiohttp")


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A small Textual app, each process of which leaves a file with its number."""
    (tmp_path / "small.py").write_text(APP)
    return [sys.executable, str(tmp_path / "small.py")]


@asynccontextmanager
async def served(command: list[str], **options: Any) -> AsyncIterator[TestClient[Any, Any]]:
    """Serve `command`; a client that has not shown the token yet."""
    site = Site(command, BrowserEndpoint(token=TOKEN, **options))
    server = TestServer(site.application(), host="127.0.0.1")
    async with TestClient(server, cookie_jar=CookieJar(unsafe=True)) as client:
        yield client


@asynccontextmanager
async def admitted(command: list[str], **options: Any) -> AsyncIterator[TestClient[Any, Any]]:
    """Serve `command`; a client that has shown the token."""
    async with served(command, **options) as client:
        assert (await client.get(f"/?token={TOKEN}")).status == 200
        yield client


def origin(client: TestClient[Any, Any]) -> dict[str, str]:
    return {"Origin": f"http://127.0.0.1:{client.port}"}


async def connected(client: TestClient[Any, Any]) -> Any:
    return await client.ws_connect("/ws?width=60&height=20", headers=origin(client))


async def shows(websocket: Any, text: str) -> None:
    """Wait until the terminal was sent `text`."""
    shown = b""
    while text.encode() not in shown:
        message = await websocket.receive(timeout=20)
        assert message.type in (WSMsgType.BINARY, WSMsgType.TEXT), (message, shown)
        shown += message.data if message.type is WSMsgType.BINARY else b""


async def closing_words(websocket: Any) -> tuple[int, str]:
    """Wait for the end; the code and the reason that the page gets."""
    while True:
        message = await websocket.receive(timeout=20)
        if message.type is WSMsgType.CLOSE:
            return message.data, message.extra
        assert message.type in (WSMsgType.BINARY, WSMsgType.TEXT), message


def started(folder: Path) -> set[int]:
    return {int(path.stem) for path in folder.glob("*.pid")}


def running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def gone(processes: set[int]) -> None:
    deadline = time.monotonic() + 20
    while any(map(running, processes)):
        assert time.monotonic() < deadline, "a process is left"
        await asyncio.sleep(0.05)


class TestWhoGetsIn:
    @pytest.mark.asyncio
    async def test_the_token_moves_from_the_address_into_a_cookie(self, command: list[str]) -> None:
        async with served(command) as client:
            answer = await client.get(f"/?token={TOKEN}", allow_redirects=False)
            assert (answer.status, answer.headers["Location"]) == (302, "/")
            (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
            assert cookie.value == TOKEN
            assert cookie["httponly"]
            assert cookie["samesite"] == "Strict"
            page = await client.get("/")
            assert page.status == 200
            assert "textual-terminal" in await page.text()

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "path",
        [
            *("/", "/?token=", "/?token=wrong", "/?token=%ff%00é", f"/ws?token={TOKEN}", "/ws"),
            *("/page/page.js", "/static/js/textual.js", "/download/key", "/nowhere"),
        ],
    )
    async def test_without_it_there_is_nothing(self, path: str, command: list[str]) -> None:
        async with served(command) as client:
            answer = await client.get(path, headers=origin(client))
            assert answer.status == 403
            assert answer.content_type == "text/plain"
            assert "Open the address that miro-edge printed" in await answer.text()
            assert TOKEN not in await answer.text()
            assert "Set-Cookie" not in answer.headers

    @pytest.mark.asyncio
    async def test_another_servers_cookie_is_left_alone(self, command: list[str]) -> None:
        names = set()
        for token in (TOKEN, TOKEN[::-1]):
            site = Site(command, BrowserEndpoint(token=token))
            async with TestClient(TestServer(site.application())) as client:
                answer = await client.get(f"/?token={token}", allow_redirects=False)
                names |= set(answer.cookies)
        assert len(names) == 2

    @pytest.mark.asyncio
    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "a b", ""])
    async def test_another_name_for_this_machine_is_refused(
        self, host: str, command: list[str]
    ) -> None:
        async with admitted(command) as client:
            answer = await client.get("/", headers={"Host": host})
            assert answer.status == 403
            assert "Nothing is served under this name" in await answer.text()

    @pytest.mark.asyncio
    @pytest.mark.parametrize("host", ["127.0.0.1:1234", "localhost", "LOCALHOST:80", "[::1]:8000"])
    async def test_a_tunnel_may_have_another_port(self, host: str, command: list[str]) -> None:
        async with admitted(command) as client:
            cookie = "; ".join(f"{found.key}={found.value}" for found in client.session.cookie_jar)
            answer = await client.get("/", headers={"Host": host, "Cookie": cookie})
            assert answer.status == 200

    @pytest.mark.asyncio
    async def test_any_name_will_do_where_others_were_let_in(self, command: list[str]) -> None:
        async with admitted(command, host="0.0.0.0") as client:
            cookie = "; ".join(f"{found.key}={found.value}" for found in client.session.cookie_jar)
            headers = {"Host": "laptop.example", "Cookie": cookie}
            assert (await client.get("/", headers=headers)).status == 200

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "headers",
        [
            *({}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}),
            *({"Origin": "https://evil.example"}, {"Origin": "file://"}),
        ],
    )
    async def test_another_page_opens_no_session(
        self, headers: dict[str, str], command: list[str], tmp_path: Path
    ) -> None:
        async with admitted(command) as client:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect("/ws", headers=headers)
            assert refused.value.status == 403
        assert started(tmp_path) == set()


class TestWhatIsSent:
    @pytest.mark.asyncio
    @pytest.mark.parametrize("path", ["/", "/page/page.js", "/static/js/textual.js", "/nowhere"])
    async def test_every_answer_says_what_the_browser_may_do(
        self, path: str, command: list[str]
    ) -> None:
        async with admitted(command) as client:
            headers = (await client.get(path)).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"
            host = f"127.0.0.1:{client.port}"
            assert headers["Content-Security-Policy"].split("; ") == [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self' 'unsafe-inline'",
                "img-src data:",
                f"connect-src 'self' ws://{host} wss://{host}",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            ]

    @pytest.mark.asyncio
    async def test_folders_are_not_listed(self, command: list[str]) -> None:
        async with admitted(command) as client:
            for path in ("/static/", "/static/js/", "/page/", "/page/%2e%2e/site.py"):
                assert (await client.get(path)).status in (403, 404), path

    @pytest.mark.asyncio
    async def test_the_page_takes_no_orders_from_its_address(self, command: list[str]) -> None:
        async with admitted(command) as client:
            answer = await client.get("/?ping=http://evil.example", allow_redirects=False)
            assert (answer.status, answer.headers["Location"]) == (302, "/")

    def test_our_files_name_no_other_machine(self) -> None:
        files = list(PAGE.iterdir())
        assert {path.name for path in files} == {"app_index.html", "page.css", "page.js"}
        for path in files:
            assert not re.search(r"(https?:)?//[a-z]+\.[a-z]", path.read_text()), path

    @pytest.mark.asyncio
    async def test_everything_that_the_page_names_is_there(self, command: list[str]) -> None:
        page = (PAGE / "app_index.html").read_text()
        assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|<style|\sstyle=", page)
        named = re.findall(r'(?:src|href)="([^"]+)"', page)
        async with admitted(command) as client:
            for address in named:
                if address != "data:,":
                    assert address.startswith("/")
                    assert (await client.get(address)).status == 200, address

    @pytest.mark.asyncio
    async def test_the_terminals_script_still_knows_our_page(self, command: list[str]) -> None:
        """textual-serve may change it: what it asks of the page has to be what the page has."""
        page = "".join(path.read_text() for path in PAGE.iterdir())
        async with admitted(command) as client:
            script = await (await client.get("/static/js/textual.js")).text()
            style = await (await client.get("/static/css/xterm.css")).text()
        for word in ("textual-terminal", "-first-byte", "-closed", "sessionWebsocketUrl"):
            assert word in script
            assert word in page
        assert "dataset.fontSize" in script
        assert "data-font-size" in page
        assert "url(" not in style
        # Its comments name whom it comes from; no address is one that it would ask.
        assert not re.search(r"(src|href|url)\s*[=(:]\s*[\"'`]?(https?:)?//", script)


class TestSessions:
    @pytest.mark.asyncio
    async def test_keys_go_to_the_app_and_its_screen_comes_back(self, command: list[str]) -> None:
        async with admitted(command) as client:
            websocket = await connected(client)
            await shows(websocket, "Ask away")
            await websocket.send_json(["stdin", "Wien"])
            await shows(websocket, "Wien")

    @pytest.mark.asyncio
    async def test_what_is_no_message_is_passed_over(self, command: list[str]) -> None:
        async with admitted(command) as client:
            websocket = await connected(client)
            await shows(websocket, "Ask away")
            for text in ("", "{", "[]", "7", '["stdin"]', '["resize", {"width": "x"}]', '["x"]'):
                await websocket.send_str(text)
            await websocket.send_bytes(b"\x00")
            await websocket.send_json(["resize", {"width": 10**9, "height": -1}])
            await websocket.send_json(["resize", {"width": 60, "height": 20}])
            await websocket.send_json(["stdin", "Graz"])
            await shows(websocket, "Graz")

    @pytest.mark.asyncio
    async def test_the_process_ends_when_the_page_goes(
        self, command: list[str], tmp_path: Path
    ) -> None:
        async with admitted(command) as client:
            websocket = await connected(client)
            await shows(websocket, "Ask away")
            (process,) = started(tmp_path)
            assert running(process)
            await websocket.close()
            await gone({process})

    @pytest.mark.asyncio
    async def test_a_process_that_hangs_is_killed(
        self, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(browser_session, "SECONDS_TO_QUIT", 0.5)
        async with admitted(command) as client:
            websocket = await connected(client)
            await shows(websocket, "Ask away")
            await websocket.send_json(["stdin", "hang"])
            for _ in range(40):  # far more than a pipe holds
                await websocket.send_json(["stdin", "x" * 50_000])
            await websocket.close()
            await gone(started(tmp_path))

    @pytest.mark.asyncio
    async def test_the_page_is_told_how_it_ended(self, command: list[str]) -> None:
        async with admitted(command) as client:
            websocket = await connected(client)
            await shows(websocket, "Ask away")
            await websocket.send_json(["stdin", "leave"])
            assert await closing_words(websocket) == (1000, "The session has ended.")

    @pytest.mark.asyncio
    async def test_the_page_is_told_why_it_failed(
        self, command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "small.py").write_text("print('…'); raise SystemExit('The disk is full.')")
        async with admitted(command) as client:
            code, reason = await closing_words(await connected(client))
            assert (code, reason) == (1011, "It ended with an error. The disk is full.")
        async with admitted(["/nowhere/at/all"]) as client:
            code, reason = await closing_words(await connected(client))
            assert code == 1011
            assert "/nowhere/at/all" in reason
        assert capfd.readouterr() == ("", "")

    @pytest.mark.asyncio
    async def test_one_page_too_many_is_told_so(self, command: list[str], tmp_path: Path) -> None:
        async with admitted(command, sessions=1) as client:
            first = await connected(client)
            await shows(first, "Ask away")
            code, reason = await closing_words(await connected(client))
            assert code == 1013
            assert reason.startswith("One session is open already")
            assert len(started(tmp_path)) == 1
            await first.close()
            await shows(await connected(client), "Ask away")  # as when a page is loaded again

    @pytest.mark.asyncio
    async def test_a_file_that_is_handed_out_is_saved_and_not_shown(
        self, command: list[str]
    ) -> None:
        async with admitted(command) as client:
            websocket = await connected(client)
            await shows(websocket, "Ask away")
            await websocket.send_json(["stdin", "file"])
            key = ""
            while not key:
                message = await websocket.receive(timeout=20)
                if message.type is WSMsgType.TEXT:
                    key = message.json()[1]
            answer = await client.get(f"/download/{key}")
            assert answer.headers["Content-Disposition"] == (
                "attachment; filename*=UTF-8''small.py"
            )
            assert await answer.text() == APP
            assert (await client.get(f"/download/{key}")).status == 404


class TestServing:
    @pytest.fixture
    def server(self, command: list[str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
        """A server in a process of its own."""
        script = tmp_path / "server.py"
        script.write_text(SERVER)
        process = subprocess.Popen(
            [sys.executable, str(script), *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        yield process
        process.kill()
        process.wait()
        process.stdout.close()

    @pytest.mark.asyncio
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    async def test_it_ends_without_a_word_and_leaves_nothing(
        self, number: signal.Signals, server: subprocess.Popen[str], tmp_path: Path
    ) -> None:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{16,}", address)
        root = address.split("/?")[0]
        async with aiohttp.ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
            assert (await client.get(address)).status == 200
            websocket = await client.ws_connect(f"{root}/ws", headers={"Origin": root})
            await shows(websocket, "Ask away")
            processes = started(tmp_path)
            server.send_signal(number)
            assert await closing_words(websocket) == (1000, "miro-edge has ended.")
        rest, _ = await asyncio.to_thread(server.communicate, timeout=20)
        assert (server.returncode, rest) == (0, "")
        assert processes
        await gone(processes)

    def test_a_port_that_is_taken_is_one_sentence(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ServingError, match=f"listens on port {port} .* --port"):
                serve(["true"], BrowserEndpoint(port=port), pytest.fail)

    def test_an_address_that_is_not_ours_is_one_sentence(self) -> None:
        with pytest.raises(ServingError, match="Check --host and --port"):
            serve(["true"], BrowserEndpoint(host="192.0.2.1", port=0), pytest.fail)

    @pytest.mark.parametrize("port", [-1, 65_536])
    def test_a_port_that_cannot_be_is_one_sentence(self, port: int) -> None:
        with pytest.raises(ServingError, match="from 0 to 65535"):
            BrowserEndpoint(port=port)

    def test_a_missing_package_is_one_sentence(self) -> None:
        script = (
            "import sys; sys.modules['textual_serve'] = None\n"
            "from edge_agent.tui.endpoint import BrowserEndpoint, ServingError\n"
            "from edge_agent.tui.serving import serve\n"
            "try: serve(['true'], BrowserEndpoint(port=0), print)\n"
            "except ServingError as error: print(error)"
        )
        said = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        assert "To be shown in a browser the interface needs the serve extra" in said.stdout
        assert "pip install 'miro-edge[serve]'" in said.stdout

    @pytest.mark.parametrize(
        ("host", "expected"),
        [("localhost", "localhost"), ("::1", "[::1]"), ("0.0.0.0", socket.gethostname())],
    )
    def test_the_address_can_be_opened(self, host: str, expected: str) -> None:
        endpoint = BrowserEndpoint(host=host, token=TOKEN)
        assert endpoint.address(81) == f"http://{expected}:81/?token={TOKEN}"

    def test_a_token_is_long_new_and_not_shown_by_chance(self) -> None:
        assert BrowserEndpoint().token != BrowserEndpoint().token
        assert BrowserEndpoint().token not in repr(BrowserEndpoint())
        assert TOKEN not in repr(BrowserEndpoint(token=TOKEN))
        for weak in ("", "short", "with a space in it or two"):
            with pytest.raises(ServingError, match="16 or more"):
                BrowserEndpoint(token=weak)

    def test_no_session_at_all_is_refused(self) -> None:
        with pytest.raises(ServingError, match="At least one"):
            BrowserEndpoint(sessions=0)


def test_the_last_line_of_errors_that_come_in_pieces() -> None:
    async def last(*pieces: bytes) -> str:
        reader = asyncio.StreamReader()
        task = asyncio.create_task(browser_session._last_line(reader))
        for piece in pieces:
            reader.feed_data(piece)
            await asyncio.sleep(0)
        reader.feed_eof()
        return await task

    assert asyncio.run(last(b"  raise x\n", b"ValueError: x\n", b"\n \n")) == "ValueError: x"
    assert asyncio.run(last(b"Value", b"Error: x")) == "ValueError: x"
    assert asyncio.run(last()) == ""
