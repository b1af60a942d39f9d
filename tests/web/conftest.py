"""A web site on the loopback interface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from site_served import Site, served


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as found:
        yield found
