"""How is a path between a browser and the service made bad, and steered while a call runs?

    with Line(("127.0.0.1", media_port), seed=3) as line:
        await lead(page, {media_port: line.port})
        line.set(loss=0.1)
        span = line.outage(3.0)
        line.remap()

A `Line` relays UDP and TCP in a thread with an event loop of its own, so that a busy test does not
delay packets. What happens to them is `impairment_link.py`.
"""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from playwright.async_api import Page

from tests.support.impairment_link import Link
from tests.support.impairment_relay import Address, TcpRelay, UdpRelay, udp_socket

Direction = Literal["up", "down", "both"]

_START_DEADLINE_S = 5.0


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time, in seconds since the epoch."""

    began_s: float
    ends_s: float


class Line:
    """A path from `port` on loopback to `target`, as good as loopback until it is set otherwise.

    `up` leads from the browser to the service, `down` back. The same seed and the same packets
    give the same losses.
    """

    def __init__(self, target: Address, *, seed: int = 1) -> None:
        self.target = target
        self.up, self.down = Link(2 * seed), Link(2 * seed + 1)
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="impaired line", daemon=True)
        self._end = asyncio.Event()
        self._udp: UdpRelay | None = None
        self._tcp = TcpRelay(target, self.up, self.down)

    def __enter__(self) -> "Line":
        self._thread.start()
        if not self._ready.wait(_START_DEADLINE_S):
            raise TimeoutError("the impaired line did not start")
        return self

    def __exit__(self, *_exception: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def set(self, direction: Direction = "both", **changes: object) -> None:
        """Change fields of `Conditions` from the next packet on."""
        for link in self._links(direction):
            link.conditions = replace(link.conditions, **changes)  # type: ignore[arg-type]

    def outage(self, lasts_s: float, direction: Direction = "both") -> Span:
        """Let nothing pass for this long, from now on; does not wait."""
        now = time.monotonic()
        for link in self._links(direction):
            link.closed_until_s = now + lasts_s
        began_s = time.time()
        return Span(began_s, began_s + lasts_s)

    def remap(self) -> None:
        """From now on packets leave from another local port, as after a NAT forgot its mapping."""
        self._on_the_line(self._remap)

    def ports(self) -> list[int]:
        """The local ports from which datagrams leave towards the target at the moment."""
        found: list[int] = []
        self._on_the_line(lambda: found.extend(self._udp.ports() if self._udp else []))
        return found

    def _links(self, direction: Direction) -> tuple[Link, ...]:
        return {"up": (self.up,), "down": (self.down,), "both": (self.up, self.down)}[direction]

    def _on_the_line(self, act: Callable[[], None]) -> None:
        done = threading.Event()

        def run() -> None:
            act()
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(_START_DEADLINE_S)

    def _remap(self) -> None:
        assert self._udp is not None
        self._udp.remap()
        self._tcp.remap()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._relay())

    async def _relay(self) -> None:
        front, listener = _same_port()
        self.port = listener.getsockname()[1]
        self._udp = UdpRelay(self._loop, front, self.target, self.up, self.down)
        server = await asyncio.start_server(self._tcp.serve, sock=listener)
        self._ready.set()
        await self._end.wait()
        server.close()
        self._tcp.remap()
        self._udp.close()


def _same_port() -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on one free port."""
    while True:
        listener = socket.create_server(("127.0.0.1", 0))
        try:
            return udp_socket(listener.getsockname()), listener
        except OSError:
            listener.close()


_LEAD = """
(ports) => {
  if (window.ledThrough) return;
  window.ledThrough = { connections: 0 };
  const prototype = RTCPeerConnection.prototype;
  const set = prototype.setRemoteDescription;
  prototype.setRemoteDescription = function (description) {
    window.ledThrough.connections += 1;
    const sdp = (description.sdp ?? "")
      .replace(/^(m=\\w+ )(\\d+)/gm, (all, before, port) => before + (ports[port] ?? port))
      .replace(/^(a=rtcp:)(\\d+)/gm, (all, before, port) => before + (ports[port] ?? port))
      .replace(/^(a=candidate:(?:\\S+ ){5})(\\d+)/gm,
        (all, before, port) => before + (ports[port] ?? port));
    return set.call(this, { type: description.type, sdp });
  };
}
"""


async def lead(page: Page, port_map: dict[int, int]) -> None:
    """Have this page send its media to other ports than the offer says, now and after a reload."""
    ports = json.dumps(port_map)
    await page.add_init_script(f"({_LEAD})({ports})")
    await page.evaluate(_LEAD, json.loads(ports))


async def connections_of(page: Page) -> int:
    """How many offers a page that is led has taken since it was loaded."""
    return int(await page.evaluate("() => window.ledThrough.connections"))
