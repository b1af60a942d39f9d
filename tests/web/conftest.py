"""A web site on the loopback interface, and processes that read its pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from site_served import Site, served

from edge_agent.web import opening
from edge_agent.web.reading import PageReader


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as found:
        yield found


@pytest.fixture(scope="session")
def reader() -> Iterator[PageReader]:
    """Processes that read pages, for all tests: to start some takes seconds."""
    with closing(PageReader()) as found:
        yield found


@pytest.fixture
def shared_reader(reader: PageReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the web read with those processes, and leave them be at its end."""

    class Lent(PageReader):
        def __init__(self) -> None:
            self.read = reader.read  # type: ignore[method-assign]

        def close(self) -> None:
            pass

    monkeypatch.setattr(opening, "PageReader", Lent)
