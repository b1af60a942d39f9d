"""Readers of e-mail: messages as programs write them, whole and damaged."""

from __future__ import annotations

import mailbox
from contextlib import suppress
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import found, parts

from edge_agent.index import UnreadableDocument
from edge_agent.index.passages import split


def message(subject: str = "The light") -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = subject
    made["From"] = "Åsa Keeper <asa@example.org>"
    made["To"] = "crew@example.org"
    made["Date"] = "Sat, 03 Jan 1998 01:05:34 +0000"
    return made


HEADERS = (
    "From: Åsa Keeper <asa@example.org>\nTo: crew@example.org\n"
    "Date: Sat, 03 Jan 1998 01:05:34 +0000"
)


def test_a_message_is_its_headers_and_its_plain_body(tmp_path: Path) -> None:
    made = message("Größe of the light")
    made.set_content("It is größer.\n\nFrom here.")
    made.add_alternative("<p>As HTML</p>", subtype="html")
    ((document,), flaws) = found(tmp_path / "a.eml", made.as_bytes())
    assert document.title == "Größe of the light"
    assert document.text == f"{HEADERS}\n\nIt is größer.\n\nFrom here."
    assert not flaws


def test_a_body_that_is_html_only_has_its_headings(tmp_path: Path) -> None:
    made = message()
    made.set_content("<html><body><h1>Oil</h1><p>Is <b>low</b>.</p></body></html>", subtype="html")
    ((document,), _) = found(tmp_path / "a.eml", made.as_bytes())
    assert parts(document) == [((), HEADERS), (("Oil",), "Is low.")]


def test_attachments_that_are_text_are_read_and_others_are_named(tmp_path: Path) -> None:
    inner = message("Older")
    inner.set_content("Told before.")
    made = message()
    made.set_content("See below.")
    made.add_attachment("Oil: 3 barrels", filename="stores.txt")
    made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="reef.png")
    made.add_attachment(inner)
    ((document,), _) = found(tmp_path / "a.eml", made.as_bytes())
    assert parts(document) == [
        ((), HEADERS),
        ((), "See below."),
        (("stores.txt",), "Oil: 3 barrels"),
        (("Older",), HEADERS),
        (("Older",), "Told before."),
        ((), "Attachments: reef.png"),
    ]


def test_unknown_encodings_and_broken_headers_are_no_end(tmp_path: Path) -> None:
    content = (
        b"Subject: =?x-unknown?b?aaa?= one\nFrom: <<>\nDate: never\nTo: a@[\n"
        b"Content-Type: text/plain; charset=x-unknown\nContent-Transfer-Encoding: 8bit\n\n"
        b"Gr\xc3\xb6\xc3\x9fe\n"
    )
    ((document,), _) = found(tmp_path / "a.eml", content)
    assert document.text.endswith("Größe")


PLAIN = "Die Größe — „naïve“ Träume, wie für Åsa."


def undeclared(body: bytes, kind: str, charset: str) -> bytes:
    declared = f"; charset={charset}" if charset else ""
    return (
        f"Subject: Oil\nFrom: a@b.example\nContent-Type: text/{kind}{declared}\n"
        "Content-Transfer-Encoding: 8bit\nMIME-Version: 1.0\n\n"
    ).encode() + body


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("", "utf-8"), ("", "cp1252"), ("us-ascii", "utf-8"), ("us-ascii", "cp1252"),
     ("utf-8", "cp1252")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("plain", PLAIN),
        ("html", f"<html><body><p>{PLAIN}</p></body></html>"),
        ("html", f'<html><head><meta charset="utf-8"></head><body><p>{PLAIN}</p></body></html>'),
    ],
)
def test_letters_in_an_encoding_that_is_not_declared_are_read(
    tmp_path: Path, charset: str, encoding: str, kind: str, body: str
) -> None:
    content = undeclared(body.encode(encoding), kind, charset)
    ((document,), _) = found(tmp_path / "a.eml", content)
    assert document.text == f"From: a@b.example\n\n{PLAIN}"
    border = b"From a@b Sat Jan  3 01:05:34 1998\n"
    (documents, _) = found(tmp_path / "a.mbox", (border + content + b"\n\n") * 2)
    assert [each.text for each in documents] == [document.text] * 2


def test_a_page_in_a_message_says_its_own_encoding(tmp_path: Path) -> None:
    page = '<html><head><meta charset="koi8-r"></head><body>Маяк стоит.</body></html>'
    ((document,), _) = found(tmp_path / "a.eml", undeclared(page.encode("koi8-r"), "html", ""))
    assert document.text.endswith("Маяк стоит.")


def test_a_text_that_is_none_is_no_end(tmp_path: Path) -> None:
    content = undeclared(b"Lit \0\xff\0\xfe at last.", "plain", "")
    ((document,), _) = found(tmp_path / "a.eml", content)
    assert document.text.endswith("at last.")


def test_a_message_has_no_lines_to_be_cited_by(tmp_path: Path) -> None:
    ((document,), _) = found(tmp_path / "a.eml", undeclared(b"Low.", "plain", "us-ascii"))
    assert {passage.place for passage in split(document)} == {""}


def test_an_encrypted_body_is_a_flaw(tmp_path: Path) -> None:
    content = message().as_bytes().strip() + (
        b'\nMIME-Version: 1.0\nContent-Type: multipart/encrypted; boundary="b"\n\n'
        b"--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\n"
        b"Content-Type: application/octet-stream\n\nxxxx\n--b--\n"
    )
    (_, flaws) = found(tmp_path / "a.eml", content)
    assert flaws == ["has an encrypted body, of which only the subject and names were read"]


def written(path: Path, *messages: EmailMessage) -> bytes:
    """A mailbox as Python's own library writes it."""
    box = mailbox.mbox(path)
    for made in messages:
        box.add(made)
    box.close()
    return path.read_bytes()


def three() -> list[EmailMessage]:
    made = [message("One"), message(""), message("Three")]
    made[0].set_content("First.\n\nFrom the reef on Sat, 03 Jan at 10:20.\n")
    made[1].set_content("Second.")
    made[2].set_content("Dritte Größe.")
    return made


def test_every_part_of_a_letter_is_read(tmp_path: Path) -> None:
    letter = MIMEMultipart("mixed")
    letter["Subject"] = "The price"
    first = MIMEMultipart("alternative")
    first.attach(MIMEText("First part of my letter."))
    first.attach(MIMEText("<p>First part of my letter.</p>", "html"))
    last = MIMEMultipart("alternative")
    last.attach(MIMEText("The last part."))
    for part in (first, MIMEText("The price is 4,200 euro."), MIMEText("<p>Yours.</p>", "html"),
                 last):  # fmt: skip
        letter.attach(part)
    (document,), _ = found(tmp_path / "a.eml", letter.as_bytes())
    said = ("First part of my letter.", "The price is 4,200 euro.", "Yours.", "The last part.")
    assert [document.text.count(each) for each in said] == [1, 1, 1, 1]


@pytest.mark.parametrize("name", ["crew.mbox", "Inbox", "crew.mbx"])
def test_a_mailbox_is_a_document_for_each_message(tmp_path: Path, name: str) -> None:
    (documents, flaws) = found(tmp_path / name, written(tmp_path / name, *three()))
    assert [each.id for each in documents] == [f"{name}:1", f"{name}:2", f"{name}:3"]
    assert [each.title for each in documents] == ["One", f"{Path(name).stem} 2", "Three"]
    assert documents[0].text == f"{HEADERS}\n\nFirst.\n\nFrom the reef on Sat, 03 Jan at 10:20."
    assert documents[2].text.endswith("Dritte Größe.")
    assert not flaws
    file = (tmp_path / name).read_text().split("\n")
    borders = [
        number for number, line in enumerate(file, start=1) if line.startswith("From MAILER")
    ]
    places = [{passage.place for passage in split(each)} for each in documents]
    assert places == [{f"line {number}"} for number in borders]


def test_a_text_that_begins_like_a_mailbox_is_text(tmp_path: Path) -> None:
    ((document,), _) = found(tmp_path / "story", b"From the reef one sees far.\n")
    assert document.title == "From the reef one sees far."


@pytest.mark.timeout(60, method="signal")  # a thread would wait for the expression, too
def test_a_line_that_begins_like_a_mailbox_without_end_is_text(tmp_path: Path) -> None:
    content = b"\nFrom " + b"Mon " * 100_000
    ((document,), _) = found(tmp_path / "a.mbox", b"From a Sat Jan  3 01:05:34 1996\n" + content)
    assert document.text.startswith("From Mon Mon")


def test_an_empty_mailbox_has_a_reason(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="has no text in it"):
        found(tmp_path / "a.mbox", b"\n\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from([".eml", ".mbox"]))
def test_damaged_mail_is_read_or_refused(tmp_path: Path, data: st.DataObject, suffix: str) -> None:
    made = message()
    made.set_content("Größe.")
    made.add_attachment("<p>x", subtype="html", filename="a.html")
    made.add_attachment(message("Inner"))
    if suffix == ".mbox":
        (tmp_path / "a.mbox").unlink(missing_ok=True)
        whole = written(tmp_path / "a.mbox", made, *three())
    else:
        whole = made.as_bytes()
    at = data.draw(st.integers(0, len(whole)))
    filler = data.draw(st.sampled_from([b"", b"\n", b"=?", b'"', b"\0", b"\xff", b";;", b"--"]))
    content = whole[:at] + filler + whole[at + data.draw(st.integers(0, 50)) :]
    with suppress(UnreadableDocument):
        found(tmp_path / f"a{suffix}", content)
