"""A user's own model from an https address: a real server with a certificate, on this machine."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx2
import pytest
import truststore
from tiny_models import write_adapter

from edge_agent.models import (
    DownloadError,
    HashMismatch,
    InvalidModelFile,
    ModelStore,
    PullProgress,
    add_from_url,
)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost, signed by itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture
def site(
    server: Any,
    certificate: tuple[Path, Path],
    small_gguf: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """An https site with a small model; `address` is where."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.content = small_gguf.read_bytes()
    server.headers = {"ETag": '"first"'}
    server.address = f"https://localhost:{server.server_port}/small.gguf"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setenv("no_proxy", "*")
    return server


def test_a_model_is_downloaded_and_checked(site: Any, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    seen: list[PullProgress] = []
    model = add_from_url("mine", site.address, store, seen.append)
    assert model.path.read_bytes() == site.content
    assert seen[-1].done == seen[-1].total == len(site.content)
    assert {path.name for path in model.path.parent.iterdir()} == {
        *("mine.gguf", "model.json", "pull.lock"),
    }


def test_a_download_that_breaks_off_goes_on_where_it_was(site: Any, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    site.break_after = 300
    with pytest.raises(DownloadError, match="300 of"):
        add_from_url("mine", site.address, store, lambda _: None)
    assert store.find("mine") is None
    add_from_url("mine", site.address, store, lambda _: None)
    assert site.asked[-1] == ("GET", "bytes=300-")
    assert store.find("mine") is not None


@pytest.mark.parametrize(
    ("first", "second"), [({"ETag": '"first"'}, {"ETag": '"second"'}), ({}, {})]
)
def test_two_versions_are_never_joined(
    site: Any, tmp_path: Path, first: dict[str, str], second: dict[str, str]
) -> None:
    store = ModelStore(tmp_path / "models")
    site.headers, site.break_after = first, 300
    with pytest.raises(DownloadError):
        add_from_url("mine", site.address, store, lambda _: None)
    site.headers = second
    add_from_url("mine", site.address, store, lambda _: None)
    assert site.asked[-1] == ("GET", None)


def test_what_is_no_model_leaves_nothing(site: Any, tmp_path: Path) -> None:
    site.content = b"<html>Please sign in</html>"
    store = ModelStore(tmp_path / "models")
    with pytest.raises(InvalidModelFile, match="not the address of a whole GGUF model"):
        add_from_url("mine", site.address, store, lambda _: None)
    assert store.names() == ()
    assert not list(store.root.rglob("*.gguf"))


def test_an_adapter_without_its_base_is_told_and_kept(site: Any, tmp_path: Path) -> None:
    made = write_adapter(tmp_path / "a.gguf", "qwen2", {"blk.0.attn_v.weight": (8, 8)})
    site.content = made.read_bytes()
    store = ModelStore(tmp_path / "models")
    with pytest.raises(InvalidModelFile, match="--base"):
        add_from_url("mine", site.address, store, lambda _: None)
    assert list(store.root.rglob("*.gguf"))  # given again with its base, it is not downloaded anew


def test_under_a_catalogue_name_only_the_catalogues_file_is_taken(
    site: Any, tmp_path: Path
) -> None:
    store = ModelStore(tmp_path / "models")
    with pytest.raises(HashMismatch, match="the catalogue calls 'smollm2-135m'"):
        add_from_url("smollm2-135m", site.address, store, lambda _: None)
    assert store.find("smollm2-135m") is None
    assert not list(store.root.rglob("*.gguf"))


def test_a_server_that_nobody_vouches_for_is_told_as_such(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    store = ModelStore(tmp_path / "models")
    with pytest.raises(DownloadError, match=r"trusts nobody who vouches .* SSL_CERT_FILE") as told:
        add_from_url("mine", site.address, store, lambda _: None)
    assert "Check the address" not in str(told.value)


def test_certificates_that_cannot_be_read_are_told_by_name(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "nothing.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(missing))
    with pytest.raises(DownloadError, match=f"SSL_CERT_FILE is {missing}: have it name"):
        add_from_url("mine", site.address, ModelStore(tmp_path / "models"), lambda _: None)
    assert site.asked == []


def test_whom_to_trust_is_read_once_for_a_download(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, contexts = ModelStore(tmp_path / "models"), Mock(wraps=httpx2.create_ssl_context)
    site.break_after = 300
    with pytest.raises(DownloadError, match="300 of"):
        add_from_url("mine", site.address, store, lambda _: None)
    monkeypatch.setattr("httpx2.create_ssl_context", contexts)
    add_from_url("mine", site.address, store, lambda _: None)
    assert site.asked[-1] == ("GET", "bytes=300-")
    contexts.assert_called_once_with()


def test_whom_the_system_trusts_is_trusted_where_python_knows_nobody(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a Python on a Mac, whose OpenSSL looks where there is nothing."""
    trusted = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusted.load_verify_locations(os.environ["SSL_CERT_FILE"])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing.pem"))
    monkeypatch.setattr("httpx2.create_ssl_context", lambda: trusted)
    add_from_url("mine", site.address, ModelStore(tmp_path / "models"), lambda _: None)


@pytest.mark.parametrize("url", ["http://localhost/x.gguf", "file:///etc/hostname", "ftp://x/y"])
def test_only_https_is_followed(url: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="not an https address"):
        add_from_url("mine", url, ModelStore(tmp_path / "models"), lambda _: None)


@pytest.mark.parametrize("url", ["https://", "https://localhost:1/x", "https://[", "https://a b/"])
def test_an_address_that_leads_nowhere_is_one_sentence(url: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="cannot be downloaded"):
        add_from_url("mine", url, ModelStore(tmp_path / "models"), lambda _: None)
