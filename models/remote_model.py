"""The address of a model that runs behind a server, as the user writes it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import ServerError

KEY_VARIABLE = "MIRO_EDGE_API_KEY"
"""The environment variable with the key of the server whose model answers questions."""


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model behind an address, as in `http://host:port/v1#name`."""

    url: str
    """The address of the API, without the name and without a slash at its end."""
    name: str | None
    """The server's name for the model; None takes the first one that it lists."""
    profile: str = "generic"

    @property
    def title(self) -> str:
        """What to call it in the records of runs."""
        return self.name or self.url

    @property
    def address(self) -> str:
        """The address as the user writes it."""
        return self.url if self.name is None else f"{self.url}#{self.name}"

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the address is a loopback address."""
        return on_this_machine(self.url)


def on_this_machine(url: str) -> bool:
    """Tell whether an address is a loopback address."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def remote_model(address: str) -> RemoteModel | None:
    """Return the model at an address; None for what is no http address. Raises ServerError."""
    if not address.lower().startswith(("http://", "https://")):
        return None
    url, _, name = address.partition("#")
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host:
        raise ServerError(
            f"{address} is not the address of a model server. Write it as http://host:port/v1#name."
        )
    return RemoteModel(url.rstrip("/"), name or None)
