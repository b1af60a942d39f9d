"""An OpenAI-compatible server whose models are the agent over a library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import TypeAlias

from aiohttp import web

from edge_agent.events import Event
from edge_agent.failures import in_words
from edge_agent.models import ContextFull
from edge_agent.records import answer_record

from .guard import Door, Refusal
from .openai_objects import DONE, STILL_HERE, Completion, event, model_list, model_object
from .openai_requests import BadRequest, CompletionRequest, error_object, read_request
from .place import Place
from .researcher import Researcher, ResearchRequest, ResearchStopped, outcome
from .telling import progress

ALL_LIBRARIES = "miro-edge"
"""The model that searches every library; `miro-edge/NAME` searches one."""

_MOST_BYTES = 4 * 1024 * 1024
_MOST_PENDING = 32
"""Questions that may wait; more could not be answered before their askers give up."""
_SECONDS_BETWEEN_SIGNS = 15.0
"""A proxy or a client may take a connection on which nothing comes for a minute to be dead."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_REFUSALS: dict[Refusal, tuple[int, str] | tuple[int, str, str]] = {
    Refusal.HOST: (
        403,
        "Nothing is served under this name. Use the address that miro-edge printed.",
    ),
    Refusal.ORIGIN: (403, "Pages of other sites may not use this server."),
    Refusal.TOKEN: (
        401,
        "The API key is wrong or missing: it is the token that miro-edge printed.",
        "invalid_api_key",
    ),
}
"""The status, the message and the code of the error that each is answered with."""

_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def models_of(libraries: Sequence[str]) -> dict[str, str | None]:
    """Return the ids of the models over some libraries, and what each searches; None is all."""
    return {ALL_LIBRARIES: None, **{f"{ALL_LIBRARIES}/{name}": name for name in libraries}}


class OpenAIServer:
    """The web application around a researcher."""

    def __init__(self, researcher: Researcher, libraries: Sequence[str], place: Place) -> None:
        """Serve the researcher, who has the libraries of these names, to those who may come in."""
        self._researcher = researcher
        self._models = models_of(libraries)
        self._door = Door(place)

    def application(self) -> web.Application:
        """Return the application, to be run once."""
        application = web.Application(
            middlewares=[_explain, self._guard], client_max_size=_MOST_BYTES
        )
        application.add_routes(
            [
                web.get("/v1/models", self._list),
                web.get("/v1/models/{model:.+}", self._describe),
                web.post("/v1/chat/completions", self._complete),
            ]
        )
        application.on_response_prepare.append(_add_headers)
        application.on_shutdown.append(self._stop)
        application.on_cleanup.append(self._end)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let through only who has the token, under the addresses that are served."""
        headers = request.headers
        refusal = self._door.refusal(
            headers.get("Host", ""), headers.get("Origin"), headers.get("Authorization", "")
        )
        if refusal is not None:
            raise BadRequest(*_REFUSALS[refusal])
        return await handler(request)

    # Models

    async def _list(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(model_list(self._models))

    async def _describe(self, request: web.Request) -> web.StreamResponse:
        model = request.match_info["model"]
        self._library(model)
        return web.json_response(model_object(model))

    def _library(self, model: str) -> str | None:
        """Return the library that a model searches, None for all. Raises BadRequest."""
        if model not in self._models:
            known = ", ".join(self._models)
            raise BadRequest(
                404, f"There is no model '{model}'. Use one of: {known}", "model_not_found", "model"
            )
        return self._models[model]

    # Completions

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        asked = read_request(await request.read())
        question = ResearchRequest(asked.question, self._library(asked.model), asked.seed)
        if self._researcher.pending >= _MOST_PENDING:
            raise BadRequest(
                429, "Too many questions wait already. Try again later.", "rate_limit_exceeded"
            )
        if asked.stream:
            return await self._streamed(request, asked, question)
        async with aclosing(self._researcher.events(question)) as events:
            started, finished = await outcome(events)
        completion = Completion(asked.model)
        return web.json_response(completion.whole(finished, answer_record(started, finished)))

    async def _streamed(
        self, request: web.Request, asked: CompletionRequest, question: ResearchRequest
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        completion = Completion(asked.model)
        await response.write(completion.begun())
        with _signs_of_life(response):
            try:
                async with aclosing(self._told(response, completion, question)) as events:
                    started, finished = await outcome(events)
                await response.write(
                    completion.answered(finished, answer_record(started, finished))
                )
                if asked.include_usage:
                    await response.write(completion.cost(finished))
            except ConnectionError:  # nobody listens any more
                return response
            except Exception as error:  # the headers are sent: no status can tell it
                status, message, code, param = _explained(error)
                await response.write(event(error_object(message, status, code, param)))
            await response.write(DONE)
        await response.write_eof()
        return response

    async def _told(
        self, response: web.StreamResponse, completion: Completion, question: ResearchRequest
    ) -> AsyncGenerator[Event, None]:
        """Pass the events of a question on, and tell the client of them."""
        if self._researcher.pending:
            await response.write(completion.thought("Waiting for another question's answer"))
        async with aclosing(self._researcher.events(question)) as events:
            async for each in events:
                line = progress(each)
                if line is not None:
                    await response.write(completion.thought(line))
                yield each

    # The end

    async def _stop(self, _application: web.Application) -> None:
        self._researcher.stop()

    async def _end(self, _application: web.Application) -> None:
        await asyncio.to_thread(self._researcher.end)


@contextmanager
def _signs_of_life(response: web.StreamResponse) -> Iterator[None]:
    """Send something now and then, so that nobody takes the connection to be dead."""

    async def send() -> None:
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN_SIGNS)
            await response.write(STILL_HERE)

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        sending.cancel()


@web.middleware
async def _explain(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answer whatever goes wrong with an error object."""
    try:
        return await handler(request)
    except Exception as error:
        status, message, code, param = _explained(error)
        return web.json_response(error_object(message, status, code, param), status=status)


def _explained(error: Exception) -> tuple[int, str, str | None, str | None]:
    """Return the status, the message, the code and the parameter of an error."""
    if isinstance(error, BadRequest):
        return error.status, str(error), error.code, error.param
    if isinstance(error, ContextFull):  # 400, or clients would ask the same again
        return 400, str(error), "context_length_exceeded", "messages"
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return 413, f"The request is larger than {_MOST_BYTES:,} bytes.", None, None
    if isinstance(error, web.HTTPException):
        return error.status, f"{error.reason}: see /v1/models, /v1/chat/completions.", None, None
    return (503 if isinstance(error, ResearchStopped) else 500), in_words(error), None, None


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
