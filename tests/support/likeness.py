"""How does a test know whom it sees and hears? Pictures with a colour and a frame counter, sounds
with a tone, made as Y4M and WAV for Chromium's fake devices, and recognised in what was recorded.

A likeness with a band plays what faults are measured by instead: `chirps.py`, `counter.py`.
"""

import wave
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tests.support import chirps, counter

RATE_HZ = 15
FRAMES = 150
WIDTH, HEIGHT = 320, 240
BITS = 8
SAMPLE_RATE_HZ = 48_000


@dataclass(frozen=True)
class Likeness:
    """A party's colour (U, V of its background) and tone, or the band of its chirps."""

    name: str
    u: int
    v: int
    tone_hz: int
    band: chirps.Band | None = None


RESIDENT = Likeness("resident", 100, 190, 500)
CLERK = Likeness("clerk", 190, 100, 900)
MEASURED_RESIDENT = replace(RESIDENT, band=chirps.LOW)
MEASURED_CLERK = replace(CLERK, band=chirps.HIGH)


def write_y4m(path: Path, likeness: Likeness, *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """Ten seconds: the party's colour with a binary frame counter in blocks along the top."""
    if likeness.band is not None:
        return counter.write_y4m(path, likeness.u, likeness.v)
    width, height = size
    block = width // BITS
    u = np.full((height // 2, width // 2), likeness.u, np.uint8).tobytes()
    v = np.full((height // 2, width // 2), likeness.v, np.uint8).tobytes()
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{RATE_HZ}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(FRAMES):
            y = np.full((height, width), 120, np.uint8)
            for bit in range(BITS):
                on = number >> bit & 1
                y[: height // 4, bit * block : (bit + 1) * block] = 235 if on else 16
            y[height // 2 :, (number * 2) % width :][:, :8] = 235  # something that moves
            file.write(b"FRAME\n" + y.tobytes() + u + v)
    return path


def write_wav(path: Path, likeness: Likeness) -> Path:
    """Ten seconds of the party's tone in beeps of a quarter second, so that no filter calls it
    noise."""
    if likeness.band is not None:
        return chirps.write_wav(path, likeness.band)
    seconds = np.arange(10 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    beeping = (seconds % 0.5) < 0.25
    sound = 0.5 * np.sin(2 * np.pi * likeness.tone_hz * seconds) * beeping
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


@dataclass(frozen=True)
class Seen:
    """What a decoded recording shows and sounds like."""

    picture_of: set[str]
    counters: list[int]
    tones: set[str]
    video_s: float
    audio_s: float


def recognise(path: Path) -> Seen:
    """Decode a file from start to end and say who is in it."""
    counters: list[int] = []
    people: set[str] = set()
    sound: list[NDArray[np.float32]] = []
    last = {"video": 0.0, "audio": 0.0}
    with av.open(str(path)) as container:
        for frame in container.decode():
            if isinstance(frame, av.VideoFrame):
                counters.append(_counter(frame))
                people.add(_who_by_colour(frame))
                last["video"] = float(frame.time or 0)
            elif isinstance(frame, av.AudioFrame):
                sound.append(frame.to_ndarray().mean(axis=0))
                last["audio"] = float(frame.time or 0)
    return Seen(people, counters, _tones(np.concatenate(sound)), last["video"], last["audio"])


def _planes(frame: av.VideoFrame) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    full = frame.reformat(format="yuv444p").to_ndarray()
    return full[0], full[1], full[2]


def _counter(frame: av.VideoFrame) -> int:
    y, _, _ = _planes(frame)
    block = frame.width // BITS
    row = y[frame.height // 8]
    return sum((1 << bit) * int(row[bit * block + block // 2] > 125) for bit in range(BITS))


def _who_by_colour(frame: av.VideoFrame) -> str:
    _, u, v = _planes(frame)
    middle = slice(frame.height // 3, frame.height // 2), slice(frame.width // 4, -frame.width // 4)
    seen = float(u[middle].mean()), float(v[middle].mean())
    for likeness in (RESIDENT, CLERK):
        if abs(seen[0] - likeness.u) < 30 and abs(seen[1] - likeness.v) < 30:
            return likeness.name
    return f"nobody we know: {seen}"


def _tones(sound: NDArray[np.float32]) -> set[str]:
    """Whose tones stand out of the whole sound."""
    spectrum = np.abs(np.fft.rfft(sound))
    frequencies = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE_HZ)
    floor = float(np.median(spectrum[(frequencies > 200) & (frequencies < 2000)]))
    loud = {
        likeness.name: float(spectrum[np.abs(frequencies - likeness.tone_hz) < 8].max())
        for likeness in (RESIDENT, CLERK)
    }
    loudest = max(loud.values())
    return {name for name, value in loud.items() if value > 20 * floor and value > loudest / 10}
