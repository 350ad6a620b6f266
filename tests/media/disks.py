"""Disks that misbehave."""

import os
from pathlib import Path


def disk_full(path: Path) -> None:
    """From now on the open file at `path` takes no byte more."""
    for descriptor in os.listdir("/proc/self/fd"):
        link = Path("/proc/self/fd") / descriptor
        if link.is_symlink() and os.path.realpath(link) == str(path.resolve()):
            full = os.open("/dev/full", os.O_RDWR)
            os.dup2(full, int(descriptor))
            os.close(full)
            return
    raise AssertionError(f"nobody has {path} open")
