"""E-mail: single messages, and mailboxes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default
from pathlib import Path

from ..documents import Document, Flaw, Section
from .failures import Fault, FaultyParts, failing_as
from .markup import parsed, sectioned_text
from .sectioned import SectionedText
from .text import decoded_bytes, is_binary

_TOLD = ("From", "To", "Cc", "Date")
_BORDER = re.compile(
    rb"From .{0,400}\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{0,60}\d\d:\d\d"  # a line may be a book
)
_QUOTED_BORDER = re.compile(rb"^>(>*From )", re.MULTILINE)
_DEEPEST = 5
"""Messages within messages that are read."""
_BROKEN = Fault("is broken", "are broken")
_ENCRYPTED = frozenset(("multipart/encrypted", "application/pkcs7-mime"))


def is_mailbox(head: bytes, suffix: str) -> bool:
    """Return whether a file is a mailbox; many programs give theirs no suffix."""
    return suffix in {"", ".mbox", ".mbx"} and _BORDER.match(head) is not None


def read_mail(path: Path, name: str) -> Iterator[Document | Flaw]:
    """Read a message as one document. Raises UnreadableDocument where it is broken."""
    with failing_as("an e-mail message"):
        message = message_from_bytes(path.read_bytes(), policy=default)
        document = _document(message, name, path, path.stem)
    yield document
    if message.get_content_type() in _ENCRYPTED:
        yield Flaw("has an encrypted body, of which only the subject and names were read")


def read_mailbox(path: Path, name: str) -> Iterator[Document | Flaw]:
    """Yield each message of a mailbox as a document."""
    faulty = FaultyParts("message")
    for number, (line, data) in enumerate(_messages(path), start=1):
        try:
            message = message_from_bytes(data, policy=default)
            document = _document(message, f"{name}:{number}", path, f"{path.stem} {number}")
            yield replace(document, line=line)
        except MemoryError:
            raise
        except Exception as error:  # the parser raises anything on headers that are broken enough
            faulty.add(number, _BROKEN, error)
    yield from faulty.flaws()


def _messages(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the messages of a mailbox, one at a time, each with the number of its first line."""
    lines: list[bytes] = []
    first = 1
    is_after_blank = True
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if is_after_blank and _BORDER.match(line):
                yield from _unquoted(first, lines)
                first, lines = number, []
            else:
                lines.append(line)
            is_after_blank = not line.strip()
    yield from _unquoted(first, lines)


def _unquoted(first: int, lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the message that some lines are, if they are one."""
    message = b"".join(lines)
    if message.strip():
        yield first, _QUOTED_BORDER.sub(rb"\1", message)


def _document(message: EmailMessage, name: str, path: Path, untitled: str) -> Document:
    title = _header(message, "Subject") or untitled
    text = SectionedText()
    _write(text, message, 0)
    whole, sections = text.finished()
    return Document(name, title, str(path), whole, sections, is_extracted=True)


def _write(text: SectionedText, message: EmailMessage, depth: int) -> None:
    """Write who wrote to whom, the body, and the attachments that are text or messages."""
    headers = ((name, _header(message, name)) for name in _TOLD)
    text.add("\n".join(f"{name}: {value}" for name, value in headers if value))
    body = message.get_body(("plain", "html"))
    if body is not None:
        text.append(*_content(body))
    others: list[str] = []
    for part in _beside(message, body):
        name = _header_name(part)
        if part.get_content_type() == "message/rfc822" and depth < _DEEPEST:
            inner = part.get_content()
            text.enter(_header(inner, "Subject") or name or "Message", depth + 1)
            _write(text, inner, depth + 1)
        elif part.get_content_maintype() == "text":
            text.enter(name or "Attachment", depth + 1)
            text.append(*_content(part))
        elif name:
            others.append(name)
    text.enter("", depth + 1)
    if others:
        text.add(f"Attachments: {', '.join(others)}")


def _beside(message: MIMEPart, body: MIMEPart | None) -> Iterator[MIMEPart]:
    """Yield the parts of a message beside its body: of parts that follow each other, each."""
    if message.get_content_type() != "multipart/mixed":
        yield from message.iter_attachments() if message.is_multipart() else ()
        return
    for part in message.iter_parts():
        if any(each is body for each in part.walk()):
            continue
        if part.get_content_maintype() != "multipart":
            yield part
        elif (text := part.get_body(("plain", "html"))) is not None:
            yield text
            yield from _beside(part, text)
        else:
            yield from _beside(part, None)


def _content(part: MIMEPart) -> tuple[str, tuple[Section, ...]]:
    """Return the text of a part, and the sections of one that is HTML."""
    content = _payload(part)
    if part.get_content_subtype() == "html":
        data = content.encode(errors="replace") if isinstance(content, str) else content
        tree = parsed(data)
        return sectioned_text(tree) if tree is not None else ("", ())
    text = content if isinstance(content, str) else decoded_bytes(content)
    text = text.replace("\r\n", "\n").strip("\n")
    return text, (Section(0, len(text)),)


def _payload(part: MIMEPart) -> str | bytes:
    """Return the text of a part; its bytes where they are in another encoding than it says."""
    text = ""
    with suppress(LookupError, ValueError):  # an unknown encoding, or base64 that is none
        text = str(part.get_content())
        # What names no encoding is read as ASCII, and letters beyond it are replaced.
        if "\ufffd" not in text:
            return text
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) and not is_binary(data) else text


def _header(message: EmailMessage, name: str) -> str:
    """Return a header on one line; nothing for one that is too broken to be parsed."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except Exception:  # the parser of headers has bugs: IndexError, AttributeError, …
        return ""


def _header_name(part: MIMEPart) -> str:
    try:
        return " ".join((part.get_filename() or "").split())
    except Exception:  # see `_header`
        return ""
