"""Where the terminal interface is served to browsers."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.serving.place import Place, ServingError


@dataclass(frozen=True, slots=True)
class BrowserEndpoint(Place):
    """Where the interface is served, to whom, and to how many at once."""

    sessions: int = 4
    """Browser pages at once. Each is a process of its own, with a model in memory."""

    def __post_init__(self) -> None:
        """Raise ServingError for what cannot be served."""
        Place.__post_init__(self)  # a class with slots is made twice, and `super` finds the first
        if self.sessions < 1:
            raise ServingError("At least one session must be allowed.")

    def address(self, port: int) -> str:
        """Return what to open in a browser when the interface listens on `port`."""
        return f"{self.root(port)}/?token={self.token}"
