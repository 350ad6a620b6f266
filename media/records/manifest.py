"""What was recorded of a visit, and is it still what was recorded? The manifest beside the files.

`manifest.json` lies in the visit's folder and is replaced atomically; it is written when a segment
begins (state `recording`), so that a killed process leaves a trace of what it was doing, and
`recover` finishes such segments. Several media hosts may record one visit: `change` reads, changes
and replaces the manifest under a lock of the folder. Signatures and hash chains come on top of
this in evidence.
"""

import fcntl
import hashlib
import mmap
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from media.records import webm

NAME = "manifest.json"
LOCK = ".lock"


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A second or more of a segment in which a track has nothing; milliseconds of the file."""

    track: str
    start_ms: int
    end_ms: int


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """The clerk stopped the recording, and let it go on; `to` is null while it is stopped."""

    by: str
    since: datetime
    to: datetime | None = None


class Interruption(msgspec.Struct, frozen=True, kw_only=True):
    """The media node was lost: what was said between `since` and `to` may not be recorded."""

    reason: str
    since: datetime
    to: datetime | None = None


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One file: what one party sent over one connection.

    `content` is `camera` (with the sound) or `screen`. `state`: `recording`, `complete`,
    `recovered` (its process was killed), `failed` (`failure` says why). Lost packets are those
    that no retransmission brought either.
    """

    party: str
    number: int
    file: str
    state: str
    started_at: datetime
    content: str = "camera"
    duration_ms: int = 0
    video_codec: str = ""
    width: int = 0
    height: int = 0
    audio_frames: int = 0
    video_frames: int = 0
    lost_packets: int = 0
    skipped_frames: int = 0
    gaps: tuple[Gap, ...] = ()
    failure: str = ""
    bytes: int = 0
    sha256: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept of one visit's call. Times are UTC, from the server's clock."""

    visit: str
    call: str
    city: str
    audio_codec: str = "Opus"
    call_started_at: datetime | None = None
    call_ended_at: datetime | None = None
    segments: tuple[Segment, ...] = ()
    pauses: tuple[Pause, ...] = ()
    interruptions: tuple[Interruption, ...] = ()

    def with_segment(self, segment: Segment) -> "Manifest":
        """The same with this segment added, or in the place of the one with its file name."""
        others = tuple(s for s in self.segments if s.file != segment.file)
        ordered = sorted((*others, segment), key=lambda s: (s.started_at, s.file))
        return msgspec.structs.replace(self, segments=tuple(ordered))

    def without_segment(self, file: str) -> "Manifest":
        """The same without a segment: its connection never carried anything."""
        kept = tuple(s for s in self.segments if s.file != file)
        return msgspec.structs.replace(self, segments=kept)


class NoManifest(LookupError):  # noqa: N818
    """There is no readable manifest in this folder."""


def read(folder: Path) -> Manifest:
    """Raises NoManifest."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise NoManifest(f"{folder}: {error}") from error


def change(folder: Path, empty: Manifest, alter: Callable[[Manifest], Manifest]) -> Manifest:
    """Replace the manifest by what `alter` makes of it; `empty` is taken where there is none.

    Holds the folder's lock, also against other processes. Blocks; call it in a thread.
    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            manifest = read(folder)
        except NoManifest:
            manifest = empty
        changed = alter(manifest)
        if changed != manifest or manifest is empty:
            write(folder, changed)
        return changed


def write(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest, durably: temporary file, fsync, rename, fsync of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / (NAME + ".new")
    with temporary.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / NAME)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def sealed(folder: Path, segment: Segment) -> Segment:
    """The segment with its file's size and SHA-256. Reads the whole file; call it in a thread."""
    with (folder / segment.file).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return msgspec.structs.replace(segment, bytes=file.tell(), sha256=digest)


def recover(folder: Path) -> Manifest:
    """Finish what a killed process left in this folder; nothing to do is fine.

    What another media host is writing now stays as it is: its file is locked while it is open.
    Torn bytes after the last whole cluster are cut; what is cut was never acknowledged.
    Raises NoManifest.
    """

    def finish(manifest: Manifest) -> Manifest:
        for segment in manifest.segments:
            if segment.state == "recording":
                manifest = manifest.with_segment(_recovered(folder, segment))
        return manifest

    return change(folder, read(folder), finish)


def _scan(path: Path) -> webm.Scan:
    """Mapped, not read: an hour of a call is a gigabyte. Raises NotWebm, OSError."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise webm.NotWebm("the file is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return webm.scan(mapped)


def _recovered(folder: Path, segment: Segment) -> Segment:
    path = folder / segment.file
    try:
        descriptor = os.open(path, os.O_RDWR)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return segment
            found = _scan(path)
            if not found.finished:
                webm.finish(descriptor, found.size, found.duration_ms, found.cues)
        finally:
            os.close(descriptor)
        return sealed(
            folder,
            msgspec.structs.replace(
                segment,
                state="recovered",
                duration_ms=found.duration_ms,
                audio_frames=found.audio_frames,
                video_frames=found.video_frames,
            ),
        )
    except (OSError, webm.NotWebm) as error:
        return msgspec.structs.replace(segment, state="failed", failure=str(error))


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as the manifest says; `file` is "" for the visit as a whole."""

    file: str
    problem: str


def verify(folder: Path) -> list[Finding]:
    """Hold the files of a visit against its manifest; an empty list means all is as recorded.

    Checks every hash, that each file is whole and as long as stated, and that nothing was added.
    Reads every byte; call it in a thread. Raises NoManifest.
    """
    manifest = read(folder)
    findings = []
    if not manifest.segments:
        findings.append(Finding("", "the manifest names no segment"))
    for segment in manifest.segments:
        findings += [Finding(segment.file, problem) for problem in _problems(folder, segment)]
    known = {NAME, NAME + ".new", LOCK} | {segment.file for segment in manifest.segments}
    findings += [
        Finding(path.name, "not in the manifest")
        for path in sorted(folder.iterdir())
        if path.name not in known
    ]
    return findings


def _problems(folder: Path, segment: Segment) -> list[str]:
    if segment.state not in ("complete", "recovered"):
        return [f"state is {segment.state} {segment.failure}".strip()]
    try:
        now = sealed(folder, segment)
        found = _scan(folder / segment.file)
    except FileNotFoundError:
        return ["the file is missing"]
    except (OSError, webm.NotWebm) as error:
        return [str(error)]
    problems = []
    if now.sha256 != segment.sha256:
        problems.append(f"SHA-256 is {now.sha256}, the manifest says {segment.sha256}")
    if not found.finished:
        problems.append("the file is cut off")
    if abs(found.duration_ms - segment.duration_ms) > 1:
        problems.append(f"lasts {found.duration_ms} ms, the manifest says {segment.duration_ms}")
    return problems


def ends_at(segment: Segment) -> datetime:
    """When the last frame of the segment was sent, by the server's clock."""
    return segment.started_at + timedelta(milliseconds=segment.duration_ms)
