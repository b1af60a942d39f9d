"""The guard: whatever an address looks like, nothing but the public web is connected to."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from site_served import Site

from edge_agent.web.errors import WebError
from edge_agent.web.exchange import Deadline, answering, body_of
from edge_agent.web.guard import AddressGuard, is_public

PRIVATE = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"),
    *("172.16.0.1", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
    *("198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1"),
    *("64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::"),
    *("2002:808:808::1", "3fff::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1"),
    *("ff02::1", "5f00::1", "2606:4700::1%1"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::200e"]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(WebError, match="not on the public web"):
        AddressGuard(resolve=lambda *_: [address]).addresses("innocent.example", 443)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public(address: str) -> None:
    assert is_public(address)
    assert AddressGuard(resolve=lambda *_: [address]).addresses("a.example", 443) == (address,)


@given(st.ip_addresses(v=4))
def test_no_private_address_is_public_nor_in_the_clothes_of_ipv6(found: IPv4Address) -> None:
    if is_public(str(found)):
        assert found.is_global
        assert not found.is_multicast
    number = int(found)
    clothes = [
        IPv6Address(number),
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address((0x64FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    assert not any(is_public(str(each)) for each in clothes)


@given(st.ip_addresses(v=6))
def test_public_ipv6_is_global_unicast(found: IPv6Address) -> None:
    if is_public(str(found)):
        assert found in ip_network("2000::/3")
        assert found.is_global
        assert found.sixtofour is None
        assert found.teredo is None


@given(st.text(max_size=40))
def test_any_text_is_no_public_address_or_is_one(text: str) -> None:
    assert is_public(text) in (True, False)


def _forms(number: int) -> list[str]:
    """Return what the C library takes for an IPv4 address: decimal, octal, hexadecimal, short."""
    a, b, c, d = number.to_bytes(4, "big")
    return [
        f"{number}",
        f"{number:#x}",
        f"0{number:o}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
    ]


@given(st.sampled_from(["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1", "0.0.0.0"]))
@example("127.0.0.1")
def test_forms_of_private_addresses_lead_nowhere(private: str) -> None:
    guard = AddressGuard()
    for form in (private, *_forms(int(ip_address(private)))):
        with pytest.raises(WebError):
            guard.addresses(guard.checked(f"http://{form}/").host, 80)


@given(st.text(max_size=60) | st.from_regex(r"https?://[\w.:@\[\]%/\\-]{0,30}", fullmatch=True))
@example("http://[fe80::1%25eth0]/")
@example("http://[::ffff:127.0.0.1]/")
@example("http://user:secret@example.org/")
@example("http://example.org:99999/")
@example("http://exa\u200bmple.org/")
@example("http://\x00/")
@example("http:///nothing")
@example("http://[::1")
@example("//example.org")
@example("http://.../")
def test_any_text_is_an_address_of_the_web_or_is_refused_in_a_sentence(text: str) -> None:
    guard = AddressGuard(resolve=lambda *_: ["10.0.0.1"])
    try:
        url = guard.checked(text)
    except WebError as error:
        assert str(error).endswith(".")  # noqa: PT017
        assert "\x00" not in str(error)  # noqa: PT017
        return
    assert url.scheme in ("http", "https")
    assert not url.userinfo
    assert not url.fragment
    with pytest.raises(WebError):
        guard.addresses(url.host, 80)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ftp://example.org/a", "only http and https are"),
        ("file:///etc/passwd", "only http and https are"),
        ("javascript:alert(1)", "only http and https are"),
        ("gopher://127.0.0.1:25/", "only http and https are"),
        ("http://me:secret@example.org/", "user name"),
        ("http://me@example.org/", "user name"),
        ("http://", "is not an address"),
        ("https://example.org/" + "a" * 3000, "is not an address"),
    ],
)
def test_what_is_no_address_of_the_web(address: str, said: str) -> None:
    with pytest.raises(WebError, match=said):
        AddressGuard().checked(address)


def test_a_fragment_is_left_out() -> None:
    checked = AddressGuard().checked(" HTTPS://Example.org/a?b=c#d ")
    assert str(checked) == "https://example.org/a?b=c"


def test_one_private_address_among_public_ones_is_enough() -> None:
    guard = AddressGuard(resolve=lambda *_: ["8.8.8.8", "127.0.0.1"])
    with pytest.raises(WebError, match="not on the public web"):
        guard.addresses("rebinding.example", 80)


def test_what_the_user_allows() -> None:
    guard = AddressGuard(
        ["wiki.intranet", "10.1.0.0/16", "[::1]", " 127.0.0.1 "],
        lambda host, _: ["192.168.7.7"] if host.lower().startswith("wiki.") else [host],
    )
    for host in ("wiki.intranet", "WIKI.Intranet.", "10.1.255.1", "::1", "127.0.0.1"):
        assert guard.addresses(host, 80)
    for host in ("10.2.0.1", "192.168.7.7", "127.0.0.2", "::2"):
        with pytest.raises(WebError, match=r"web\.allow"):
            guard.addresses(host, 80)


@pytest.mark.parametrize(
    "failure", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")]
)
def test_a_host_that_is_not_found(failure: Exception) -> None:
    def fails(*_: object) -> list[str]:
        raise failure

    with pytest.raises(WebError, match=r"The host nowhere\.example is not found"):
        AddressGuard(resolve=fails).addresses("nowhere.example", 80)
    with pytest.raises(WebError, match="is not found"):
        AddressGuard(resolve=lambda *_: []).addresses("nowhere.example", 80)


def test_a_name_that_changes_its_mind_gains_nothing(site: Site) -> None:
    """The connection goes to the address that was checked: the name is looked up once."""
    port = site.address.rpartition(":")[2]
    site.page("/", "hello")
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    guard = AddressGuard(["127.0.0.1"], lambda *_: next(answers))
    url = guard.checked(f"http://rebinding.example:{port}/")
    with answering("GET", url, guard, Deadline(5)) as answer:
        assert body_of(answer, 100) == b"hello"
    (request,) = site.requests
    assert request.headers["Host"] == f"rebinding.example:{port}"
    with (
        pytest.raises(WebError, match="not on the public web"),
        answering("GET", url, guard, Deadline(5)),
    ):
        pass
    assert len(site.requests) == 1


def test_the_next_address_is_tried_where_one_is_dead(site: Site) -> None:
    port = site.address.rpartition(":")[2]
    site.page("/", "hello")
    guard = AddressGuard(["two.example"], lambda *_: ["::1", "127.0.0.1"])
    url = guard.checked(f"http://two.example:{port}/")
    with answering("GET", url, guard, Deadline(5)) as answer:
        assert answer.status_code == 200
    with (
        pytest.raises(WebError, match="cannot be read"),
        answering("GET", url, AddressGuard(["two.example"], lambda *_: ["::1"]), Deadline(5)),
    ):
        pass


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_are_not_used(
    site: Site, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.page("/", "hello")
    guard = AddressGuard(["127.0.0.1"])
    with answering("GET", guard.checked(site.address + "/"), guard, Deadline(5)) as answer:
        assert answer.status_code == 200
