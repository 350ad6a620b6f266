"""How is a server loaded without the load disturbing the measurement? A process of its own.

`python -m deploy.bench.media.load` takes orders from `measurement.py` at the load's end of the
cable: it connects all parties, seals everything they will send beforehand, then only sends (in
batches, by a real-time priority, so that packets leave at their time as from other machines) and
lets the kernel write down what comes back. Its CPU time is not part of any figure.
"""

import gc
import os
import random
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress

import msgspec

from deploy.bench.clip import Clip, clip
from deploy.bench.media import child, trace
from deploy.bench.media.capture import Capture
from deploy.bench.media.orders import Connect, Open, Order, Play, Played, Playing, Prepare, Prepared
from deploy.bench.media.party import Identity, Local, Party, Remote
from deploy.bench.media.program import REPORT_S, Stream, begins_s, packets, timetable
from deploy.bench.media.wire import Batch, Wire, headers

CONNECT_DEADLINE_S = 15.0
CHECK_S = 2.5  # as often as browsers check a path
SETTLE_S = 1.0  # from the last packet sent to the end of the capture
_FIRST_PORT = 20_000
_AT_ONCE = 10  # parties that connect at the same time
_STEP_S = 0.05
_TURN_S = 0.02
_NICE = -15


class NoConnection(RuntimeError):  # noqa: N818
    """Some party and the server did not get together."""


class Load:
    """All parties of one measurement."""

    def __init__(self, wire: Wire, capture: Capture) -> None:
        self._wire, self._capture = wire, capture
        self._identity = Identity()
        self._parties: list[Party] = []
        self._by_port: dict[int, Party] = {}
        self._clip: Clip = clip()
        self._batch = Batch(bytearray(1), [])
        self._times: list[float] = []
        self._streams: list[trace.Sent] = []
        self._checked_s = 0.0

    def open(self, parties: int) -> list[Local]:
        """Make the parties."""
        ports = range(_FIRST_PORT, _FIRST_PORT + parties)
        self._parties = [Party(self._identity, port, self._wire.send) for port in ports]
        self._by_port = {party.local.port: party for party in self._parties}
        return [party.local for party in self._parties]

    def connect(self, remotes: Mapping[int, Remote]) -> list[str]:
        """Get these parties connected, a few at a time. Raises NoConnection."""
        parties = [self._parties[place] for place in remotes]
        for party, remote in zip(parties, remotes.values(), strict=True):
            party.remote = remote
        for start in range(0, len(parties), _AT_ONCE):
            self._connect(parties[start : start + _AT_ONCE])
            self._keep()
        return sorted({party.profile for party in parties})

    def _connect(self, parties: Sequence[Party]) -> None:
        deadline_s = time.monotonic() + CONNECT_DEADLINE_S
        waiting = list(parties)
        while waiting:
            for party in waiting:
                party.tick()
            until_s = time.monotonic() + _STEP_S
            while time.monotonic() < until_s and waiting:
                self._wire.wait(until_s - time.monotonic())
                self._answer()
                waiting = [party for party in waiting if not party.connected]
            if time.monotonic() > deadline_s:
                ports = [party.local.port for party in waiting]
                raise NoConnection(f"no connection in {CONNECT_DEADLINE_S:.0f} s: ports {ports}")

    def prepare(self, flows: Sequence[tuple[int, int]], seconds: float) -> Prepared:
        """Write and seal everything that will leave."""
        frames = bytearray()
        entries: list[tuple[float, int, int]] = []

        def leave(at_s: float, party: Party, datagram: bytes) -> None:
            head = headers(party.local.port, party.address, len(datagram))
            entries.append((at_s, len(frames), len(head) + len(datagram)))
            frames.extend(head)
            frames.extend(datagram)

        table, numbers = timetable(self._clip), random.SystemRandom()
        count, pictures, wall_s = 0, 0, time.time()
        self._streams = []
        for number, (sender, receiver) in enumerate(flows):
            party, far = self._parties[sender], self._parties[receiver]
            local, remote = party.local, party.remote
            streams = {
                "audio": Stream("audio", local.audio_ssrc, remote.opus, numbers),
                "video": Stream("video", local.video_ssrc, remote.vp8, numbers),
            }
            payloads: dict[str, list[bytes]] = {"audio": [], "video": []}
            begin_s = report_s = begins_s(number, len(flows))
            for leaving in packets(table, self._clip.seconds, streams, begin_s, seconds):
                leave(leaving.at_s, party, party.outbound.protect(leaving.rtp))
                payloads[leaving.clip.kind].append(leaving.clip.payload)
                pictures += leaving.clip.kind == "video" and leaving.clip.marker
                count += 1
                if leaving.at_s >= report_s:
                    for stream in streams.values():
                        report = stream.report(leaving.at_s - begin_s, wall_s + leaving.at_s)
                        leave(leaving.at_s, party, party.outbound.protect_rtcp(report))
                    report_s += REPORT_S
            for kind, received_as in (("audio", far.remote.opus), ("video", far.remote.vp8)):
                stream = streams[kind]
                ends = (local.port, far.local.port, stream.payload_type, received_as)
                self._streams.append(trace.Sent(*ends, stream.first, payloads[kind]))
            self._keep()
        for number, party in enumerate(self._parties):
            at_s = begins_s(number, len(self._parties))
            while at_s < seconds:
                leave(at_s, party, party.check())
                at_s += CHECK_S
        entries.sort()
        self._times = [at_s for at_s, _, _ in entries]
        self._batch = Batch(frames, [(offset, length) for _, offset, length in entries])
        return Prepared(count, pictures)

    def play(self, began_s: float, begin_s: float, end_s: float) -> Played:
        """Send what was prepared, from the moment `began_s`, and say what came of it."""
        to_ns = time.time_ns() - time.monotonic_ns() + int(began_s * 1e9)
        self._capture.overflowed()
        late_s = self._send(began_s)
        until_s = time.monotonic() + SETTLE_S
        while time.monotonic() < until_s:
            self._turn()
            time.sleep(_TURN_S)
        traced = trace.trace(
            self._streams,
            self._capture.crossed(),
            {party.local.port: party.inbound for party in self._parties},
            to_ns + int(begin_s * 1e9),
            to_ns + int(end_s * 1e9),
        )
        followed = traced.followed and bool(traced.delays_ns)
        return Played(
            sent=traced.sent,
            returned=traced.returned,
            lost=traced.lost if followed else None,
            delay_p50_ms=_share(traced.delays_ns, 0.5) / 1e6 if followed else None,
            delay_p99_ms=_share(traced.delays_ns, 0.99) / 1e6 if followed else None,
            opened=traced.opened,
            spoilt=traced.spoilt,
            late_p99_ms=_share(sorted(late_s), 0.99) * 1e3,
            missed=self._capture.overflowed(),
        )

    def _send(self, began_s: float) -> list[float]:
        """The loop that must keep time; returns how late each batch left."""
        times, batch, wire, clock = self._times, self._batch, self._wire, time.monotonic
        late_s: list[float] = []
        place, turn_s = 0, 0.0
        while place < len(times):
            now_s = clock() - began_s
            due = bisect_right(times, now_s, place)
            if due > place:
                late_s.append(now_s - times[place])
                wire.send_batch(batch, place, due)
                place = due
            if now_s >= turn_s:
                self._turn()
                turn_s = now_s + _TURN_S
            elif place < len(times):
                time.sleep(max(0.0, times[place] - clock() + began_s))
        return late_s

    def _turn(self) -> None:
        self._capture.gather()
        self._answer()

    def _answer(self) -> None:
        """Take the handshakes that have come."""
        for port, address, datagram in self._wire.receive():
            party = self._by_port.get(port)
            if party is not None and datagram:
                party.receive(address, datagram)

    def _keep(self) -> None:
        """Keep the connections that are there: consent, and the server's own checks."""
        self._answer()
        if time.monotonic() - self._checked_s < CHECK_S:
            return
        self._checked_s = time.monotonic()
        for party in self._parties:
            if party.connected:
                self._wire.send(party.local.port, party.address, party.check())


def _go_first() -> None:
    """Before other processes of this machine, if the system lets us: never in real time.

    A load at a real-time priority hands it on to what it starts, and stops a machine of two cores.
    """
    with suppress(PermissionError):  # without CAP_SYS_NICE: `late_p99_ms` tells what that does
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)


def _share(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of an ordered sequence lies (nearest rank)."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    """Carry out orders until stdin closes."""
    _go_first()
    gc.disable()  # a pass over a million packets would be a pause in what is sent
    with closing(Wire()) as wire, closing(Capture()) as capture:
        load = Load(wire, capture)
        for question in child.questions():
            order = msgspec.json.decode(question, type=Order)
            if isinstance(order, Open):
                child.reply(msgspec.json.encode(load.open(order.parties)))
            elif isinstance(order, Connect):
                child.reply(msgspec.json.encode(load.connect(order.remotes)))
            elif isinstance(order, Prepare):
                child.reply(msgspec.json.encode(load.prepare(order.flows, order.seconds)))
            elif isinstance(order, Play):
                began_s = time.monotonic() + 2 * _STEP_S
                child.reply(msgspec.json.encode(Playing(began_s)))
                played = load.play(began_s, order.begin_s, order.end_s)
                child.reply(msgspec.json.encode(played))


if __name__ == "__main__":
    main()
