"""What do the processes of one service tell each other? Hints, by a bus: at most once, in order.

What one process tells, the others hear in the order in which it was told, or not at all: the truth
is in the database, and whoever misses a hint must come to the same end a little later. While the
bus is down nothing passes, and what is told then is not kept. `link` says when that begins and
ends, so that whoever listens can look at the truth more often, and ask anew afterwards.

Here is the bus of processes that are one; `redis_bus.py` is the one between machines. The same
tests run against both. What is said over it is in `between.py`.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

Heard = Callable[[bytes], None]
Link = Callable[[bool], None]


class Bus(Protocol):
    """One process's place on the bus. `name` is unlike that of any other."""

    @property
    def name(self) -> str:
        """How others address this process."""

    @property
    def up(self) -> bool:
        """Whether messages pass now, as far as is known."""

    async def start(self, heard: Heard, link: Link) -> None:
        """Listen; both are called in the event loop and must return at once."""

    async def stop(self) -> None:
        """Hear and tell nothing any more; what was told before is sent, if that is quick."""

    def tell(self, message: bytes, to: str = "") -> None:
        """Tell every other process, or the one of this name. Never waits, never raises."""


class Wire:
    """What joins buses of one process."""

    def __init__(self) -> None:
        self.ends: dict[str, LocalBus] = {}


class LocalBus:
    """A bus within this process; without others on its wire there is nobody to tell."""

    def __init__(self, name: str, wire: Wire | None = None) -> None:
        self._name, self._wire = name, wire or Wire()
        self._heard: Heard = lambda message: None
        self._link: Link = lambda up: None
        self._up = False

    @property
    def name(self) -> str:
        """How others address this one."""
        return self._name

    @property
    def up(self) -> bool:
        """From start to stop, but while it is cut."""
        return self._up

    async def start(self, heard: Heard, link: Link) -> None:
        """Listen."""
        self._heard, self._link = heard, link
        self._wire.ends[self._name] = self
        self.cut(False)

    async def stop(self) -> None:
        """Leave the wire."""
        self._up = False
        self._wire.ends.pop(self._name, None)

    def cut(self, is_cut: bool) -> None:
        """Let nothing pass to and from here, or let it pass again."""
        self._up = not is_cut
        self._link(self._up)

    def tell(self, message: bytes, to: str = "") -> None:
        """To all others, or to one."""
        if not self._up:
            return
        loop = asyncio.get_running_loop()
        for name, end in self._wire.ends.items():
            if end is not self and end.up and to in ("", name):
                loop.call_soon(end._hear, message)

    def _hear(self, message: bytes) -> None:
        if self._up:
            self._heard(message)
