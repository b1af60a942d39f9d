"""Runs a command that cannot open a socket to a network, and sees every time that it tries.

The kernel asks (seccomp's user notification) before the command or anything that it starts opens a
socket that is not a Unix one; it is told no, and that is written down. As a script this file is the
other side: it puts itself under that filter, hands over the end where the kernel asks, and becomes
the command. Where namespaces are allowed, the command is in one without any interface besides.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

# From the kernel's headers: audit.h, unistd.h, prctl.h, seccomp.h, filter.h.
_MACHINES = {
    "x86_64": {"arch": 0xC000003E, "socket": 41, "seccomp": 317},
    "aarch64": {"arch": 0xC00000B7, "socket": 198, "seccomp": 277},
}
_IO_URING_SETUP = 425
"""Through which sockets can be opened without the system call for it."""
_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_ASK, _ALLOW, _KILL = 0x7FC00000, 0x7FFF0000, 0x80000000
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
"""Where these stand in what the filter is shown of a call."""
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NOTICE, _REPLY = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody wanted to open a socket, or the way around."""

    command: str
    call: int
    family: int


@dataclass
class Watch:
    """What is known of a command that runs sealed."""

    process: subprocess.Popen[bytes]
    attempts: list[Attempt] = field(default_factory=list)


@cache
def why_not() -> str | None:
    """Return why nothing can be sealed on this machine, or None."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return "the kernel is asked only on Linux, on x86-64 and ARM"
    try:
        with sealed([sys.executable, "-c", "import socket; socket.socket()"]) as watch:
            watch.process.wait(60)
    except OSError as error:
        return f"the kernel does not let itself be asked (seccomp user notification): {error}"
    return None if watch.attempts else "the kernel did not ask (seccomp user notification)"


@cache
def namespace() -> tuple[str, ...]:
    """Return the words before a command that put it where no interface is; none if not allowed."""
    words = ("unshare", "--map-root-user", "--net")
    if shutil.which(words[0]) is None:
        return ()
    allowed = subprocess.run([*words, "true"], capture_output=True, check=False)
    return () if allowed.returncode else words


@contextmanager
def sealed(command: Sequence[str], **options: Any) -> Iterator[Watch]:
    """Start a command that cannot open a socket; it has ended when the context is left.

    `options` are those of Popen. Raises OSError where the kernel does not allow the filter.
    """
    here, there = socket.socketpair()
    with here, there:
        launcher = [sys.executable, __file__, str(there.fileno()), *namespace(), *command]
        process = subprocess.Popen(launcher, pass_fds=[there.fileno()], **options)
        there.close()
        _, listeners, _, _ = socket.recv_fds(here, 1, 1)
        if not listeners:
            process.wait()
            raise OSError("the filter was refused")
    watch = Watch(process)
    answering = threading.Thread(target=_answer, args=(listeners[0], watch.attempts), daemon=True)
    answering.start()
    try:
        yield watch
        process.wait(60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        answering.join(10)


def _answer(listener: int, attempts: list[Attempt]) -> None:
    """Say no whenever the kernel asks, until nobody is left under the filter."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    try:
        while poll.poll()[0][1] & select.POLLIN:
            notice = bytearray(_NOTICE.size)
            fcntl.ioctl(listener, _RECEIVE, notice)
            identity, pid, _, call, _, _, family, *_ = _NOTICE.unpack(notice)
            attempts.append(Attempt(_command_of(pid), call, family))
            fcntl.ioctl(listener, _SEND, _REPLY.pack(identity, 0, -errno.EACCES, 0))
    finally:
        os.close(listener)


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return str(pid)


# The other side


def _become(channel: int, command: Sequence[str]) -> None:
    """Go under the filter, hand over where the kernel asks, and become the command."""
    numbers = _MACHINES[platform.machine()]
    libc = ctypes.CDLL(None, use_errno=True)
    with socket.socket(fileno=channel) as other:
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        code = _filter(numbers["arch"], numbers["socket"])
        kept = ctypes.create_string_buffer(code)
        program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(kept))
        listener = libc.syscall(numbers["seccomp"], _SET_MODE_FILTER, _NEW_LISTENER, program)
        if listener < 0:
            sys.exit(os.strerror(ctypes.get_errno()))
        socket.send_fds(other, [b"!"], [listener])
    os.close(listener)
    os.execvp(command[0], [*command])


def _filter(arch: int, opening: int) -> bytes:
    """Return the program: ask about sockets that are not Unix ones, allow all else."""
    steps = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_IF_EQUAL, 0, 7, arch),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_IF_EQUAL, 3, 0, _IO_URING_SETUP),
        (_JUMP_IF_EQUAL, 0, 3, opening),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_IF_EQUAL, 1, 0, socket.AF_UNIX),
        (_RETURN, 0, 0, _ASK),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _KILL),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
