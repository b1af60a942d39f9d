"""The OpenAI-compatible server, spoken to by OpenAI's own client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from waiting import until

from edge_agent.agent import AgentSettings
from edge_agent.config import WebSettings
from edge_agent.events import Citation, RunFinished, RunStarted, TokenCounts
from edge_agent.extras import Extras, open_extras
from edge_agent.home import Home
from edge_agent.index import Collection, Searched
from edge_agent.models import ServerError
from edge_agent.profiles import load_profile
from edge_agent.runs import RunStore
from edge_agent.serving.place import Place
from edge_agent.serving.researcher import Researcher, ResearchRequest, ResearchSetup
from edge_agent.serving.telling import answer_in_markdown
from edge_agent.web import open_web

aiohttp = pytest.importorskip("aiohttp")

from aiohttp.test_utils import TestServer  # noqa: E402

from edge_agent.serving.openai_server import OpenAIServer  # noqa: E402

NOTHING_MORE = Extras()
TOKEN = "a-token-that-only-tests-know"
QUESTION = "Where was the designer of the Fram born?"
TWO_STEPS = [
    *("designed by Colin Archer", "Missing:", " birthplace\n", ">search<"),
    *("born in Larvik", "I have what I need."),
    "Larvik}",
]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiohttp")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with closing(RunStore(tmp_path / "runs.db")) as opened:
        yield opened


@dataclass
class Served:
    """A server, and a client that knows its token."""

    root: str
    client: openai.AsyncOpenAI
    researcher: Researcher

    async def ask(self, question: str = QUESTION, **options: Any) -> Any:
        wanted: dict[str, Any] = {"model": "miro-edge", **options}
        messages: Any = wanted.pop("messages", [{"role": "user", "content": question}])
        return await self.client.chat.completions.create(messages=messages, **wanted)

    def post(self, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}", **options.pop("headers", {})}
        return aiohttp.request(
            "POST", f"{self.root}/v1/chat/completions", headers=headers, **options
        )


@pytest.fixture
def serving(scripted: Any, ships: Collection, store: RunStore) -> Any:
    """Serves a model that follows a script."""
    return lambda script, **fields: served(scripted(script, **fields), ships, store)


@asynccontextmanager
async def served(
    session: Any, ships: Collection, store: RunStore, extras: Extras = NOTHING_MORE
) -> AsyncIterator[Served]:
    settings = AgentSettings(model="scripted", libraries=("ships",))
    setup = ResearchSetup(ships, session, "generic", settings, extras)
    with Researcher(lambda: nullcontext(setup), store) as researcher:
        application = OpenAIServer(researcher, ["ships"], Place(token=TOKEN)).application()
        server = TestServer(application, host="127.0.0.1")
        await server.start_server()
        root = f"http://127.0.0.1:{server.port}"
        client = openai.AsyncOpenAI(base_url=f"{root}/v1", api_key=TOKEN, max_retries=0)
        try:
            async with client:
                yield Served(root, client, researcher)
        finally:
            await server.close()


@dataclass
class Held:
    """Holds a model before a line of its script, until it is let go on."""

    line: str
    reached: threading.Event
    going: threading.Event

    @classmethod
    def before(cls, line: str) -> Held:
        return cls(line, threading.Event(), threading.Event())

    def __call__(self, line: str) -> None:
        if line == self.line:
            self.reached.set()
            assert self.going.wait(20)

    async def is_reached(self) -> None:
        assert await asyncio.to_thread(self.reached.wait, 20)


async def idle(served: Served) -> None:
    """Wait until nobody waits for an answer any more."""
    await until(lambda: not served.researcher.pending)


class TestAnswers:
    async def test_an_answer_has_its_sources_as_text_and_as_data(
        self, serving: Any, store: RunStore
    ) -> None:
        async with serving(list(TWO_STEPS)) as server:
            done = await server.ask()
        (choice,) = done.choices
        assert choice.finish_reason == "stop"
        assert choice.message.content.startswith("Larvik\n\n**Sources**\n\n- [")
        assert "Colin Archer was born in Larvik." in choice.message.content
        told = choice.message.miro_edge
        assert (told["status"], told["answer"], told["calls"]) == ("answered", "Larvik", 2)
        assert [each["title"] for each in told["citations"]] == ["Colin Archer", "Fram"]
        assert done.usage.completion_tokens == told["tokens"]["generated"]
        assert store.summary(told["run"]).question == QUESTION

    async def test_an_answer_may_be_computed(
        self, scripted: Any, ships: Collection, store: RunStore
    ) -> None:
        pytest.importorskip("pydantic_monty")
        script = [
            *("launched in 1892", "Now use a tool:", '{"code": "1901 - 1892"}'),
            *("1901 - 1892 = 9", "I have what I need.", "9}"),
        ]
        with open_extras(["python"], load_profile("generic")) as extras:
            async with served(scripted(script), ships, store, extras) as server:
                done = await server.ask("How old was the Fram in 1901?")
        told = done.choices[0].message.miro_edge
        assert (told["status"], told["answer"]) == ("answered", "9")
        assert told["citations"][0]["quote"] == "1901 - 1892 = 9"

    async def test_a_streamed_answer_comes_after_its_steps(
        self, serving: Any, store: RunStore
    ) -> None:
        async with serving(list(TWO_STEPS)) as server:
            stream = await server.ask(stream=True, stream_options={"include_usage": True})
            chunks = [chunk async for chunk in stream]
        assert len({chunk.id for chunk in chunks}) == 1
        assert chunks[-1].choices == []
        assert chunks[-1].usage is not None
        deltas = [chunk.choices[0].delta for chunk in chunks[:-1]]
        thoughts = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
        assert f"search: {QUESTION}\n" in thoughts
        assert "search: Colin Archer birthplace\n" in thoughts
        assert "".join(delta.content or "" for delta in deltas).startswith("Larvik\n\n**Sources**")
        (told,) = [delta.miro_edge for delta in deltas if hasattr(delta, "miro_edge")]
        assert told["status"] == "answered"
        assert [chunk.choices[0].finish_reason for chunk in chunks[-3:-1]] == [None, "stop"]

    async def test_the_last_message_of_the_user_is_the_question(
        self, serving: Any, store: RunStore
    ) -> None:
        messages = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Who built the Gjøa?"},
            {"role": "assistant", "content": "Nobody knows."},
            {"role": "user", "content": [{"type": "text", "text": f" {QUESTION}\n"}]},
        ]
        async with serving(list(TWO_STEPS)) as server:
            done = await server.ask(messages=messages, model="miro-edge/ships", seed=7)
        assert done.model == "miro-edge/ships"
        (started, *_) = store.events(done.choices[0].message.miro_edge["run"])
        assert isinstance(started, RunStarted)
        assert (started.question, started.seed, started.libraries) == (QUESTION, 7, ("ships",))

    async def test_what_is_not_found_is_said(self, serving: Any, store: RunStore) -> None:
        script = ["Nothing here helps.", "I have what I need."]
        async with serving(script) as server:
            done = await server.ask("Xyzzy?")
        message = done.choices[0].message
        assert message.content == "Not found in this library."
        assert (message.miro_edge["status"], message.miro_edge["answer"]) == ("not_found", None)

    async def test_the_models_are_the_agent_over_all_and_over_each(
        self, serving: Any, store: RunStore
    ) -> None:
        async with serving([]) as server:
            listed = [each.id async for each in server.client.models.list()]
            assert listed == ["miro-edge", "miro-edge/ships"]
            for model in listed:
                assert (await server.client.models.retrieve(model)).id == model
            with pytest.raises(openai.NotFoundError, match="Use one of: miro-edge, miro-edge/sh"):
                await server.client.models.retrieve("gpt-4o")

    def test_what_documents_say_is_shown_and_does_nothing(self) -> None:
        evil = "![x](http://evil.example/?q)\n# Title\x1b[2J<script>"
        citation = Citation(1, evil, "a.md", "line 1", evil, True)
        finished = RunFinished(
            "run", "partial", evil, (citation,), 1, 1.0, TokenCounts(1, 1, 1), "call limit"
        )
        told = answer_in_markdown(finished)
        assert told.count("!\\[x\\](") == 3
        for raw in ("[x](", "<script>", "\x1b", "\n# "):
            assert raw not in told
        assert "(partial: call limit)" in told


class TestLine:
    async def test_two_questions_are_answered_one_after_the_other(
        self, serving: Any, store: RunStore
    ) -> None:
        held = Held.before("Larvik}")
        async with serving([*TWO_STEPS, *TWO_STEPS], before_line=held) as server:
            first = asyncio.create_task(server.ask())
            await held.is_reached()
            stream = await server.ask(stream=True)
            chunks = aiter(stream)
            assert (await anext(chunks)).choices[0].delta.role == "assistant"
            waiting = (await anext(chunks)).choices[0].delta.reasoning_content
            assert waiting == "Waiting for another question's answer\n"
            assert len(store.list()) == 1
            held.going.set()
            rest = [chunk async for chunk in chunks]
            assert first.done()
        assert rest[-2].choices[0].delta.content.startswith("Larvik")
        assert {run.status for run in store.list()} == {"answered"}

    @pytest.mark.parametrize("stream", [True, False])
    async def test_who_hangs_up_has_the_run_come_to_its_end(
        self, stream: bool, serving: Any, store: RunStore
    ) -> None:
        held = Held.before("born in Larvik")
        script = [*TWO_STEPS[:-2], "Archer}", *TWO_STEPS]
        async with serving(script, before_line=held) as server:
            asked = asyncio.create_task(server.ask(stream=stream))
            await held.is_reached()
            if stream:
                await (await asked).close()
            else:
                asked.cancel()
            await idle(server)
            held.going.set()
            next_one = await server.ask()
        left = store.list()[1]
        *_, finished = store.events(left.id)
        assert isinstance(finished, RunFinished)
        assert finished.reason == "interrupted"
        assert next_one.choices[0].message.miro_edge["run"] == store.list()[0].id

    async def test_who_hangs_up_in_the_line_is_not_answered(
        self, serving: Any, store: RunStore
    ) -> None:
        held = Held.before("Larvik}")
        async with serving(list(TWO_STEPS), before_line=held) as server:
            first = asyncio.create_task(server.ask())
            await held.is_reached()
            await (await server.ask("Who cares?", stream=True)).close()
            await until(lambda: server.researcher.pending == 1)
            held.going.set()
            await first
        assert [run.question for run in store.list()] == [QUESTION]

    async def test_who_comes_when_too_many_wait_is_turned_away(
        self, serving: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("edge_agent.serving.openai_server._MOST_PENDING", 1)
        held = Held.before("Larvik}")
        async with serving(list(TWO_STEPS), before_line=held) as server:
            first = asyncio.create_task(server.ask())
            await held.is_reached()
            for stream in (False, True):
                with pytest.raises(openai.RateLimitError, match="Too many questions wait"):
                    await asyncio.wait_for(server.ask("Who cares?", stream=stream), 20)
            held.going.set()
            assert (await first).choices[0].message.content.startswith("Larvik")

    async def test_who_waits_is_turned_away_at_once(self, serving: Any) -> None:
        held = Held.before("Larvik}")
        async with serving(list(TWO_STEPS), before_line=held) as server:
            first = asyncio.create_task(server.ask())
            await held.is_reached()
            second = asyncio.create_task(server.ask())
            await until(lambda: server.researcher.pending == 2)
            server.researcher.stop()
            with pytest.raises(openai.InternalServerError, match="miro-edge has ended"):
                await asyncio.wait_for(second, 20)
            held.going.set()
            with pytest.raises(openai.InternalServerError, match="miro-edge has ended"):
                await first

    async def test_each_question_has_a_web_of_its_own(
        self, scripted: Any, ships: Collection, store: RunStore, tmp_path: Path
    ) -> None:
        webs: list[Searched] = []

        def open_web_anew() -> Searched:
            webs.append(open_web(WebSettings(), Home(tmp_path / "home"), None, offline=True))
            return webs[-1]

        session = scripted([*TWO_STEPS, *TWO_STEPS])
        settings = AgentSettings(model="scripted", libraries=("ships",))
        setup = ResearchSetup(ships, session, "generic", settings, open_web=open_web_anew)
        with Researcher(lambda: nullcontext(setup), store) as researcher:
            for _ in range(2):
                *_, done = [event async for event in researcher.events(ResearchRequest(QUESTION))]
                assert isinstance(done, RunFinished)
                assert done.answer == "Larvik"
        assert len({id(web) for web in webs}) == 2

    async def test_the_end_of_the_server_is_told(self, serving: Any, store: RunStore) -> None:
        held = Held.before("Larvik}")
        async with serving(list(TWO_STEPS), before_line=held) as server:
            first = asyncio.create_task(server.ask())
            await held.is_reached()
            stream = await server.ask(stream=True)
            server.researcher.stop()
            held.going.set()
            with pytest.raises(openai.InternalServerError, match="miro-edge has ended") as error:
                await first
            assert error.value.status_code == 503
            with pytest.raises(openai.APIError, match="miro-edge has ended"):
                [chunk async for chunk in stream]
            with pytest.raises(openai.InternalServerError, match="miro-edge has ended"):
                await server.ask()
        assert [run.status for run in store.list()] == ["interrupted"]  # it can be resumed


class TestRefusals:
    @pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1]])
    async def test_without_the_token(self, token: str, serving: Any, store: RunStore) -> None:
        async with serving([]) as server:
            stranger = server.client.with_options(api_key=token or "none")
            with pytest.raises(openai.AuthenticationError) as error:
                await stranger.models.list()
            assert error.value.code == "invalid_api_key"
            headers = {"Authorization": token}
            async with server.post(headers=headers, data=b"{}") as answer:
                assert answer.status == 401
                assert TOKEN not in await answer.text()

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"", "Invalid JSON"),
            (b"[1", "Invalid JSON"),
            (b"[" * 100_000, "Invalid JSON"),
            (b"\xff\xfe", "Invalid JSON"),
            (b"[]", "Input should be an object"),
            (b'{"model": "miro-edge"}', "messages: Field required"),
            (b'{"model": "miro-edge", "messages": []}', "messages: "),
            (b'{"model": "miro-edge", "messages": [{"role": "king"}]}', "messages.0.role: "),
            (b'{"model": "miro-edge", "messages": [{"role": "user"}]}', "message is empty"),
            (b'{"model": "miro-edge", "messages": [{"role": "system"}]}', "no question"),
            (
                b'{"model": "miro-edge", "messages": [{"role": "user", "content": " \\n"}]}',
                "message is empty",
            ),
            (
                b'{"model": "miro-edge", "messages": [{"role": "user", "content": '
                b'[{"type": "image_url", "image_url": {"url": "data:"}}]}]}',
                "no part of type 'image_url'",
            ),
            (
                b'{"model": "miro-edge", "n": 2, "messages": [{"role": "user", "content": "?"}]}',
                "n: ",
            ),
        ],
    )
    async def test_a_body_that_will_not_do(
        self, body: bytes, said: str, serving: Any, store: RunStore
    ) -> None:
        async with serving([]) as server, server.post(data=body) as answer:
            assert answer.status == 400
            error = (await answer.json())["error"]
        assert said in error["message"]
        assert error["type"] == "invalid_request_error"

    async def test_an_unknown_model(self, serving: Any, store: RunStore) -> None:
        async with serving([]) as server:
            with pytest.raises(openai.NotFoundError) as error:
                await server.ask(model="gpt-4o")
        assert error.value.code == "model_not_found"

    async def test_a_body_that_is_too_large(self, serving: Any, store: RunStore) -> None:
        async with serving([]) as server:
            with pytest.raises(openai.APIStatusError) as error:
                await server.ask("x" * 5_000_000)
        assert error.value.status_code == 413

    async def test_other_paths_and_methods(self, serving: Any, store: RunStore) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            serving([]) as server,
            aiohttp.ClientSession(headers=headers) as client,
        ):
            for path, status in [
                ("/", 404),
                ("/v1/embeddings", 404),
                ("/v1/chat/completions", 405),
            ]:
                async with client.get(server.root + path) as answer:
                    assert answer.status == status
                    assert "/v1/models" in (await answer.json())["error"]["message"]

    @pytest.mark.parametrize(
        "headers",
        [
            {"Host": "evil.example"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://["},
        ],
    )
    async def test_pages_of_others(
        self, headers: dict[str, str], serving: Any, store: RunStore
    ) -> None:
        async with (
            serving([]) as server,
            server.post(headers=headers, data=b"{}") as answer,
        ):
            assert answer.status == 403

    async def test_a_page_of_its_own_would_be_let_in(self, serving: Any, store: RunStore) -> None:
        async with serving([]) as server:
            own = {"Origin": server.root}
            assert (await server.client.with_options(default_headers=own).models.list()).data

    async def test_a_model_that_fails_is_a_servers_error(
        self, serving: Any, store: RunStore
    ) -> None:
        def fail(line: str) -> None:
            raise ServerError("The model server is gone.")

        async with serving(["I have what I need."] * 4, before_line=fail) as server:
            with pytest.raises(openai.InternalServerError, match="is gone"):
                await server.ask()
            with pytest.raises(openai.APIError, match="is gone"):
                [chunk async for chunk in await server.ask(stream=True)]

    async def test_a_question_that_is_too_long_is_its_askers_error(
        self, serving: Any, store: RunStore
    ) -> None:
        long = f"{QUESTION} {'Mind the year. ' * 400}"
        async with serving(list(TWO_STEPS), context=2000) as server:
            with pytest.raises(openai.BadRequestError, match="--context") as refused:
                await server.ask(long)
            assert (refused.value.code, refused.value.param) == (
                "context_length_exceeded",
                "messages",
            )
            with pytest.raises(openai.APIError, match="too long for a window of 2000") as told:
                [chunk async for chunk in await server.ask(long, stream=True)]
            assert (told.value.code, told.value.type) == (
                "context_length_exceeded",
                "invalid_request_error",
            )
            assert store.list() == ()
            assert (await server.ask()).choices[0].message.content.startswith("Larvik")
