"""Extras are those of the package, and what is missing is said in one way."""

from __future__ import annotations

import sys
from importlib.metadata import metadata

import pytest

from edge_agent.errors import ToolboxError
from edge_agent.installation import EXTRAS, has_extra, require_extra


def test_all_extras_of_the_package_are_known() -> None:
    assert sorted(EXTRAS) == sorted(metadata("miro-edge").get_all("Provides-Extra") or [])


def test_an_extra_is_there_where_all_of_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_extra("serve")
    require_extra("serve", "It needs", ToolboxError)
    monkeypatch.setitem(sys.modules, EXTRAS["serve"][-1], None)
    assert not has_extra("serve")
    with pytest.raises(ToolboxError) as missing:
        require_extra("serve", "It needs", ToolboxError, ". Not on Mars.")
    assert str(missing.value) == (
        "It needs the serve extra: pip install 'miro-edge[serve]'; in a checkout: "
        ".venv/bin/python -m pip install -e '.[serve]'. Not on Mars."
    )
