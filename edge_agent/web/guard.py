"""Which addresses may be visited: those of the public web, and what the user allows besides.

A page, or a model that was misled by one, may name any address: the router's, that of a service on
this machine, one in the company's network. A name is looked up once, what was found is checked, and
the connection goes to what was checked: a name that changes its mind in between gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

import httpx2

from edge_agent.showing import in_one_line

from .errors import WebError

Resolver: TypeAlias = Callable[[str, int], Iterable[str]]
"""Returns the IP addresses of a host. Raises OSError, UnicodeError."""

_LONGEST = 2048
_UNICAST = IPv6Network("2000::/3")
"""All that was ever given out of IPv6 for hosts of the internet."""
_WITHIN_OTHERS = (IPv6Network("2001::/23"), IPv6Network("2002::/16"))
"""Special purposes, Teredo and 6to4 among them, behind which an IPv4 address may be hidden."""
_FOR_DOCUMENTS = (IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))
_RELAYS = IPv4Network("192.88.99.0/24")


def is_public(address: str) -> bool:
    """Return whether an IP address is one that hosts of the public internet have.

    IPv4 addresses in the clothes of IPv6 (mapped, NAT64, 6to4) are not: they lead anywhere.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        unusual = found.is_multicast or found.is_reserved or found in _RELAYS
        return found.is_global and not unusual
    if found.scope_id is not None or found not in _UNICAST:
        return False
    return not any(found in network for network in (*_WITHIN_OTHERS, *_FOR_DOCUMENTS))


def resolved(host: str, port: int) -> tuple[str, ...]:
    """Return the IP addresses of a host, in the system's order. Raises OSError, UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class AddressGuard:
    """Says of an address whether it may be visited, and at which IP addresses its host is."""

    def __init__(self, allow: Iterable[str] = (), resolve: Resolver = resolved) -> None:
        """Allow the public web, and hosts, IP addresses and networks that the user names."""
        self._resolve = resolve
        self._networks: list[IPv4Network | IPv6Network] = []
        self._hosts: set[str] = set()
        for each in allow:
            try:
                self._networks.append(ip_network(each.strip().strip("[]"), strict=False))
            except ValueError:
                self._hosts.add(_plain(each))

    def checked(self, address: str) -> httpx2.URL:
        """Return an address as a URL without its fragment, if it is one of the web at all.

        Whom it leads to is checked when it is visited. Raises WebError.
        """
        shown = _short(address)
        try:
            url = httpx2.URL(address.strip())
            host = url.host
        except (httpx2.InvalidURL, ValueError) as error:
            raise WebError(f"{shown} is not an address: {error}.") from error
        if url.scheme not in ("http", "https"):
            raise WebError(f"{shown} is not an address of the web: only http and https are.")
        if not host or len(address) > _LONGEST:
            raise WebError(f"{shown} is not an address.")
        if url.userinfo:
            raise WebError(f"{shown} has a user name in it; such addresses are not opened.")
        return url.copy_with(fragment=None)

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Return the IP addresses of a host, each of them one that may be connected to.

        Raises WebError where there are none, or one of them is not allowed.
        """
        try:
            found = tuple(self._resolve(host, port))
        except (OSError, UnicodeError) as error:
            raise WebError(f"The host {_short(host)} is not found.") from error
        if not found:
            raise WebError(f"The host {_short(host)} is not found.")
        if _plain(host) not in self._hosts:
            for each in found:
                if not is_public(each) and not self._is_allowed(each):
                    raise WebError(
                        f"{_short(host)} is not on the public web. Whoever needs it allows it: "
                        "miro-edge config set web.allow HOST"
                    )
        return found

    def _is_allowed(self, address: str) -> bool:
        """Return whether the user allows an IP address."""
        found: IPv4Address | IPv6Address = ip_address(address)
        return any(found in network for network in self._networks)


def _plain(host: str) -> str:
    """Return a host's name without what does not matter."""
    return host.strip().rstrip(".").lower()


def _short(text: str) -> str:
    """Return what somebody else wrote so that it fits into a message."""
    return in_one_line(text[:200])
