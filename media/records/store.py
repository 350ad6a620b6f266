"""Where do the recordings of a visit lie? A folder by city, day and visit.

The one place that makes paths, so that no name from outside ever becomes one.
"""

import logging
import re
from datetime import datetime
from pathlib import Path

from media.records import manifest as manifests

log = logging.getLogger(__name__)

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_FILE = re.compile(r"^[a-z_]+(-[0-9])?(-screen)?-[0-9]{3,6}\.webm\Z")


class BadName(ValueError):  # noqa: N818
    """A part of a path that could not have come from this system."""


class Store:
    """The recordings of all visits below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, city: str, visit: str, taken_at: datetime) -> Path:
        """The folder of one visit; raises BadName for ids that are none of ours."""
        for part in (city, visit):
            if not _NAME.match(part):
                raise BadName(part[:64])
        return self.root / city / taken_at.strftime("%Y-%m-%d") / visit

    def file(self, folder: Path, name: str) -> Path:
        """A segment's file; raises BadName for anything else."""
        if not _FILE.match(name):
            raise BadName(name[:64])
        return folder / name

    def segment_path(self, folder: Path, name: str, number: int) -> Path:
        """The path for a party's next segment, e.g. `resident-001.webm`."""
        return self.file(folder, f"{name}-{number:03d}.webm")

    def next_number(self, folder: Path, name: str) -> int:
        """The number after the last segment of this name (`clerk`, `clerk-screen`)."""
        numbers = (path.stem.rpartition("-") for path in folder.glob(f"{name}-*.webm"))
        return 1 + max((int(n) for stem, _, n in numbers if stem == name), default=0)

    def recover(self) -> int:
        """Finish every segment that a killed process left; returns how many visits had one.

        Those that another media host is writing are left to it.
        """
        found = 0
        for path in sorted(self.root.glob(f"*/*/*/{manifests.NAME}")):
            try:
                before = manifests.read(path.parent)
            except manifests.NoManifest:
                continue
            if any(segment.state == "recording" for segment in before.segments):
                try:
                    found += manifests.recover(path.parent) != before
                except OSError:  # it stays `recording`, for the next start; calls go on
                    log.exception("x %s could not be recovered", path.parent)
        return found
