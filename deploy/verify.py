"""Is a recording what was recorded, and does it play? The offline check of the command line.

Holds the files against the manifest and decodes every frame. Decoding happens here, in a process
of its own, never in the server.
"""

from pathlib import Path

import av
import msgspec

from media.records import manifest as manifests
from media.records.manifest import Finding, Segment


class Report(msgspec.Struct):
    """What the check found; `verified` when nothing."""

    folder: str
    verified: bool
    segments: list[Segment]
    findings: list[Finding]


def verify(folder: Path) -> Report:
    """Check one visit's folder. Raises manifest.NoManifest."""
    manifest = manifests.read(folder)
    findings = manifests.verify(folder)
    broken = {finding.file for finding in findings}
    for segment in manifest.segments:
        if segment.file not in broken:
            findings += [Finding(segment.file, p) for p in _decode(folder / segment.file, segment)]
    return Report(str(folder), not findings, list(manifest.segments), findings)


def folders(root: Path) -> list[Path]:
    """The visit folders at or below a path."""
    return sorted(path.parent for path in root.rglob(manifests.NAME))


def _decode(path: Path, segment: Segment) -> list[str]:
    counted = {"audio": 0, "video": 0}
    try:
        with av.open(str(path)) as container:
            for frame in container.decode():
                counted["video" if isinstance(frame, av.VideoFrame) else "audio"] += 1
    except av.FFmpegError as error:
        return [f"does not decode: {error}"]
    stated = {"audio": segment.audio_frames, "video": segment.video_frames}
    return [
        f"{counted[kind]} {kind} frames decode, the manifest says {stated[kind]}"
        for kind in ("audio", "video")
        if counted[kind] != stated[kind]
    ]
