"""What this machine is, as far as it decides how a model is loaded. Loads no native library."""

from __future__ import annotations

import platform
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
_CGROUP_QUOTA = _CGROUP / "cpu.max"


def usable_cores() -> int:
    """Return how many physical cores this process may count on, at least one.

    A container sees all cores of its host; what it may use is in its affinity and its quota.
    """
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):  # Linux and Windows
        cores = min(cores, len(process.cpu_affinity()))
    return max(1, min(cores, _quota(_CGROUP_QUOTA) or cores))


def _quota(path: Path) -> int | None:
    """Return the cores that a control group allows, or None where there is no limit."""
    try:
        limit, period = path.read_text().split()
        return max(1, int(limit) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or `max`: no limit
        return None


def free_memory() -> int:
    """Return the bytes that can be used without swapping.

    A container sees all memory of its host; what it may use is what its group has left.
    """
    available = int(psutil.virtual_memory().available)
    left = _left_in_group(_CGROUP)
    return available if left is None else min(available, left)


def _left_in_group(group: Path) -> int | None:
    """Return the bytes that a control group may still use, or None where there is no limit.

    What it keeps of files is given up when it is needed.
    """
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        parts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        of_files = int(parts["inactive_file"]) + int(parts.get("active_file", 0))
        return max(0, limit - used + of_files)
    except (OSError, ValueError, KeyError):  # no such file, or `max`: no limit
        return None


def machine_identity() -> str:
    """Return what has to stay the same for measurements of speed to stay true."""
    return f"{platform.machine()} {_processor()} {psutil.cpu_count()} {usable_cores()}"


def _processor() -> str:
    """Return the processor's own name; Linux keeps it in a file."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())
