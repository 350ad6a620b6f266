"""What does a page hear and see of a party, by the second? Listens inside a running page.

`tap.mjs` runs in the page and keeps everything from `listen` on; `taken` may be asked again and
again. A tap on `#own` tells what the fake devices really played, and when: Chromium starts its
camera and its microphone at different moments, so sync is always the difference of two taps.
"""

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page, Route

from tests.support import chirps, counter
from tests.support.chirps import Band, Samples
from tests.support.measured import Measured

SCRIPT = Path(__file__).with_suffix(".mjs")
_JUMP_S = 0.05  # sound whose time is farther from the end of the one before is not joined to it
_FOLLOW = 0.02


@dataclass(frozen=True)
class Taken(Measured):
    """A party as a page received it, in seconds since the epoch; `words` as they changed."""

    words: tuple[tuple[float, str], ...]

    def words_after_s(self, moment_s: float, said: str) -> float:
        """How long after a moment words like this pattern stood there; infinite if never."""
        ends = (*(at_s for at_s, _ in self.words[1:]), float("inf"))
        shown = [
            max(0.0, at_s - moment_s)
            for (at_s, words), end_s in zip(self.words, ends, strict=False)
            if re.search(said, words) and end_s > moment_s
        ]
        return min(shown, default=float("inf"))


class Tap:
    """Listens to one video of a page, by its selector."""

    def __init__(self, page: Page, selector: str, band: Band) -> None:
        self._page, self._selector, self._band = page, selector, band

    async def taken(self) -> Taken:
        """All since `listen`."""
        raw = await self._page.evaluate(
            "async (selector) => (await import('/tests/tap.mjs')).taken(selector)", self._selector
        )
        return _read(raw, self._band)


async def listen(page: Page, selector: str, band: Band) -> Tap:
    """Begin to listen in a page that is loaded."""

    async def serve(route: Route) -> None:
        await route.fulfill(path=SCRIPT, content_type="text/javascript")

    await page.route("**/tests/tap.mjs", serve)
    await page.evaluate(
        "async (selector) => (await import('/tests/tap.mjs')).begin(selector)", selector
    )
    return Tap(page, selector, band)


def _read(raw: dict[str, Any], band: Band) -> Taken:
    origin_s = raw["origin"] / 1000
    samples = np.frombuffer(base64.b64decode(raw["sound"]), "<i2") / 32768
    began_s, sound = _on_one_clock(samples, raw["stamps"], raw["rate"])
    looks = [(origin_s + at_ms / 1000, levels) for at_ms, *levels in raw["looks"]]
    return Taken(
        sounds=chirps.find(sound, raw["rate"], band, began_s=origin_s + began_s),
        pictures=counter.find(looks),
        words=tuple((origin_s + at_ms / 1000, words) for at_ms, words in raw["words"]),
    )


def _on_one_clock(
    samples: Samples, stamps: list[tuple[float, int]], rate_hz: int
) -> tuple[float, Samples]:
    """Pieces of sound put where their stamps say, and silence where there is none.

    A stamp is the moment at which the piece was handed on, which trembles by some milliseconds, so
    a piece is joined to the one before it unless it comes much earlier or later.
    """
    if not stamps:
        return 0.0, np.zeros(0)
    began_s = stamps[0][0] / 1000
    whole = np.zeros(round((stamps[-1][0] / 1000 - began_s + 1) * rate_hz))
    at_s, taken, last = began_s, 0, 0
    for stamp_ms, length in stamps:
        late_s = stamp_ms / 1000 - at_s
        at_s += late_s if abs(late_s) > _JUMP_S else _FOLLOW * late_s
        start = max(0, round((at_s - began_s) * rate_hz))
        whole[start : start + length] = samples[taken : taken + length]
        taken, last = taken + length, start + length
        at_s += length / rate_hz
    return began_s, whole[:last]
