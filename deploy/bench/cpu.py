"""What CPU does a recorded call cost on our media node, against the usual aiortc way?

`cpu_vs_aiortc` runs the same call, two peers that replay the same clip (`replay.py`), on both
servers in turn, each in a process of its own (`node_server.py`, `aiortc_server.py`), and compares
what the two processes say they used. The load runs here and is not counted.

aiortc decodes and encodes every picture, so on few cores it falls behind even with one 720p call.
What it drops or leaves in its queues costs it nothing here: the ratio errs in its favour, and the
`lost` and `recorded` figures say how much of the work each server did. When its event loop was
late for STUN too often it also closes a connection, after about 30 s; `connections kept` says so.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from deploy.bench.clip import Clip, clip
from deploy.bench.replay import Peer
from deploy.bench.report import Figure, figure
from deploy.bench.server import PARTIES, Mark, Outcome, ServerProcess, started

log = logging.getLogger(__name__)

TARGET_RATIO = 1 / 20
OURS, AIORTC = "deploy.bench.node_server", "deploy.bench.aiortc_server"
WARM_UP_S = 3.0  # media flows, nothing is counted yet: first key frame, encoders made
_SETTLE_S = 1.0  # after the last packet was sent, before packets are counted


class CallFailed(Exception):  # noqa: N818
    """The call did not do what it should on one server, so that its cost means nothing."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One or several calls on one server, added up.

    CPU and `window_s` are those of the measured window, packets and frames of the whole call.
    `expected` counts packets by the sequence numbers the peers saw (RFC 3550 A.3), so it is
    right for a server that packetises anew, too.
    """

    cpu_s: float
    window_s: float
    sent: int
    sent_frames: int
    arrived: int
    received: int
    expected: int
    recorded_frames: int
    recorded_bytes: int
    kept: int
    connections: int

    @property
    def cpu_s_per_minute(self) -> float:
        """CPU seconds per minute of one call."""
        return self.cpu_s * 60 / self.window_s

    @property
    def lost_in_share(self) -> float:
        """Share of the packets sent that the server never took."""
        return 1 - self.arrived / self.sent

    @property
    def lost_out_share(self) -> float:
        """Share of the packets the server sent that did not reach the peers."""
        return 1 - self.received / self.expected

    @property
    def recorded_share(self) -> float:
        """Share of the pictures sent that are in the recordings."""
        return self.recorded_frames / self.sent_frames

    @property
    def kept_share(self) -> float:
        """Share of the connections that were still up when the call ended."""
        return self.kept / self.connections


async def cpu_vs_aiortc(seconds: float = 30, rounds: int = 2) -> list[Figure]:
    """Measure `rounds` calls of `seconds` on each server in turn; the first figure has the target.

    Raises CallFailed, replay.NoConnection, server.ServerFailed.
    """
    replayed = await asyncio.to_thread(clip)
    ours: list[Measured] = []
    aiortc: list[Measured] = []
    for number in range(1, rounds + 1):
        for module, calls in ((OURS, ours), (AIORTC, aiortc)):
            calls.append(await _measure(module, replayed, seconds))
            log.info("- round %d %s %s", number, module, calls[-1])
    return _figures(ours, aiortc)


async def _measure(module: str, replayed: Clip, seconds: float) -> Measured:
    """One call on a fresh server."""
    with TemporaryDirectory(prefix="virtual-window-bench-") as folder, ExitStack() as closers:
        async with started(module, Path(folder)) as server:
            peers = {party: closers.enter_context(closing(Peer(replayed))) for party in PARTIES}
            await _connect(server, peers)
            begin, end = await _play(server, list(peers.values()), seconds)
            outcome = await server.finish()
    return _measured(module, begin, end, outcome, list(peers.values()))


async def _connect(server: ServerProcess, peers: dict[str, Peer]) -> None:
    """Our node makes the offers; aiortc has none and gets ours."""
    ours = {party: peer.description() for party, peer in peers.items()}
    offers = await server.describe({})
    answers = await server.describe(ours)
    remote = offers or answers
    for party, peer in peers.items():
        await peer.connect(remote[party])


async def _play(server: ServerProcess, peers: Sequence[Peer], seconds: float) -> tuple[Mark, Mark]:
    """Let the peers talk; the marks around `seconds` of it."""
    ended = asyncio.Event()
    playing = asyncio.gather(*(peer.play(ended) for peer in peers))
    try:
        await asyncio.sleep(WARM_UP_S)
        begin = await server.mark()
        await asyncio.sleep(seconds)
        end = await server.mark()
    finally:
        ended.set()
        await playing
    await asyncio.sleep(_SETTLE_S)
    return begin, end


def _measured(
    module: str, begin: Mark, end: Mark, outcome: Outcome, peers: Sequence[Peer]
) -> Measured:
    """Add up one call. Raises CallFailed unless it was carried and recorded at all.

    A connection that aiortc closes is a finding, one that we lose is a failure.
    """
    measured = Measured(
        cpu_s=end.cpu_s - begin.cpu_s,
        window_s=end.monotonic_s - begin.monotonic_s,
        sent=sum(peer.counts.sent for peer in peers),
        sent_frames=sum(peer.counts.sent_frames for peer in peers),
        arrived=outcome.received_packets,
        received=sum(peer.counts.received for peer in peers),
        expected=sum(peer.expected for peer in peers),
        recorded_frames=sum(one.video_frames for one in outcome.recorded),
        recorded_bytes=sum(one.bytes for one in outcome.recorded),
        kept=outcome.connected,
        connections=len(peers),
    )
    if module == OURS and measured.kept < measured.connections:
        raise CallFailed(f"{module}: a connection was lost during the call: {measured}")
    if not all(peer.counts.received for peer in peers):
        raise CallFailed(f"{module}: a party received nothing: {measured}")
    if not all(one.audio_frames and one.video_frames for one in outcome.recorded):
        raise CallFailed(f"{module}: a recording lacks sound or picture: {outcome}")
    return measured


def _figures(ours: Sequence[Measured], aiortc: Sequence[Measured]) -> list[Figure]:
    us, them = _sum(ours), _sum(aiortc)
    unit = "CPU s/call-minute"
    figures = [
        figure(
            "cpu_vs_aiortc",
            us.cpu_s_per_minute,
            unit,
            baseline=them.cpu_s_per_minute,
            target=TARGET_RATIO,
        )
    ]
    for number, (our, their) in enumerate(zip(ours, aiortc, strict=True), 1):
        name = f"cpu_vs_aiortc round {number}"
        cpu = our.cpu_s_per_minute
        figures.append(figure(name, cpu, unit, baseline=their.cpu_s_per_minute))
    explained = (
        ("packets sent", us.sent, them.sent, "packets"),
        ("packets received", us.received, them.received, "packets"),
        ("lost on the way in", us.lost_in_share, them.lost_in_share, "share"),
        ("lost on the way out", us.lost_out_share, them.lost_out_share, "share"),
        ("pictures recorded", us.recorded_share, them.recorded_share, "share"),
        ("connections kept", us.kept_share, them.kept_share, "share"),
        ("recorded", us.recorded_bytes / 1e6, them.recorded_bytes / 1e6, "MB"),
    )
    for name, value, baseline, unit in explained:
        figures.append(figure(f"cpu_vs_aiortc {name}", value, unit, baseline=baseline))
    return figures


def _sum(calls: Sequence[Measured]) -> Measured:
    fields = Measured.__struct_fields__
    return Measured(**{name: sum(getattr(call, name) for call in calls) for name in fields})
