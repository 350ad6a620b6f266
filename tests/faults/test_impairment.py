"""The impaired line does to packets what it was told, and nothing else."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from itertools import groupby, pairwise

import pytest
from playwright.async_api import async_playwright

from media.node.codecs import CODECS
from media.node.sdp import SlotSsrcs, write_offer
from tests.support.browser import launch
from tests.support.impairment import Line, connections_of, lead
from tests.support.impairment_link import Conditions, Link

PACKET = 1_200
DEADLINE_S = 10.0


def fates(conditions: Conditions, packets: int, *, seed: int = 1, every_s: float = 0.01):
    """When each of these packets leaves: one tuple of times a packet."""
    link = Link(seed)
    link.conditions = conditions
    return [link.exits(PACKET, number * every_s) for number in range(packets)]


def test_the_same_seed_gives_the_same_fate_and_another_seed_another() -> None:
    conditions = Conditions(loss=0.2, jitter_ms=30, duplicate=0.1, reorder=0.1)
    assert fates(conditions, 200) == fates(conditions, 200)
    assert fates(conditions, 200) != fates(conditions, 200, seed=2)


@pytest.mark.parametrize(("loss", "burst"), [(0.05, 1), (0.2, 1), (0.1, 5)])
def test_losses_have_the_share_and_the_runs_that_were_set(loss: float, burst: float) -> None:
    lost = [not exits for exits in fates(Conditions(loss=loss, burst=burst), 40_000)]
    runs = [len(list(run)) for is_lost, run in groupby(lost) if is_lost]
    assert sum(lost) / len(lost) == pytest.approx(loss, rel=0.15)
    assert sum(runs) / len(runs) == pytest.approx(max(burst, 1 / (1 - loss)), rel=0.1)


def test_jitter_delays_within_its_bounds_and_lets_nobody_overtake() -> None:
    exits = [exit_s for (exit_s,) in fates(Conditions(delay_ms=20, jitter_ms=50), 2_000)]
    delays_ms = [1000 * (exit_s - 0.01 * number) for number, exit_s in enumerate(exits)]
    assert min(delays_ms) >= 20
    assert max(delays_ms) <= 70.001
    assert max(delays_ms) - min(delays_ms) > 40
    assert exits == sorted(exits)


def test_a_share_of_packets_is_overtaken_and_a_share_doubled() -> None:
    reordered = [e for (e,) in fates(Conditions(reorder=0.1, reorder_ms=25), 5_000)]
    overtaken = sum(later < earlier for earlier, later in pairwise(reordered))
    assert overtaken / len(reordered) == pytest.approx(0.09, rel=0.15)
    doubled = [len(exits) for exits in fates(Conditions(duplicate=0.1), 5_000)]
    assert doubled.count(2) / len(doubled) == pytest.approx(0.1, rel=0.15)


def test_a_rate_is_kept_and_what_the_queue_cannot_hold_is_dropped() -> None:
    conditions = Conditions(rate_bps=300_000, queue_bytes=12_000)
    link = Link(1)
    link.conditions = conditions
    passed = [
        (now, exits[0])
        for now in (0.005 * n for n in range(2_000))
        if (exits := link.exits(1_000, now))
    ]
    carried_bps = sum(2.0 <= exit_s < 8.0 for _, exit_s in passed) * 1_000 * 8 / 6.0
    assert carried_bps == pytest.approx(300_000, rel=0.01)
    assert max(exit_s - now for now, exit_s in passed) <= 12_000 * 8 / 300_000 + 1e-6
    assert link.counts.dropped == 2_000 - len(passed)
    assert link.offered_bps(2.0, 8.0) == pytest.approx(1_600_000, rel=0.01)


def test_an_idle_line_saves_no_more_than_two_packets_of_its_rate() -> None:
    link = Link(1)
    link.conditions = Conditions(rate_bps=300_000)
    at_once = [link.exits(1_000, 100.0)[0] < 100.001 for _ in range(6)]
    assert at_once == [True, True, True, False, False, False]


# Real packets


class Echo(asyncio.DatagramProtocol):
    """A target that sends everything back and remembers from which ports it came."""

    def __init__(self) -> None:
        self.ports: list[int] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.ports.append(address[1])
        self.transport.sendto(data, address)


class Client(asyncio.DatagramProtocol):
    """Sends numbered packets through a line and keeps the numbers that come back."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.numbers.append(int.from_bytes(data[:4]))
        self._news.set()

    def send(self, number: int) -> None:
        self.transport.sendto(number.to_bytes(4).ljust(PACKET, b"\0"))

    async def until(self, number: int, *, resend: bool = False) -> None:
        """Wait until this number came back."""
        async with asyncio.timeout(DEADLINE_S):
            while number not in self.numbers:
                self._news.clear()
                if resend:
                    self.send(number)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.02 if resend else DEADLINE_S)


@contextlib.asynccontextmanager
async def echoing() -> AsyncIterator[tuple[Line, Client, Echo]]:
    loop = asyncio.get_running_loop()
    server, echo = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    with Line(("127.0.0.1", server.get_extra_info("sockname")[1])) as line:
        wire, client = await loop.create_datagram_endpoint(
            Client, remote_addr=("127.0.0.1", line.port)
        )
        yield line, client, echo
        wire.close()
    server.close()


async def test_five_megabits_a_second_pass_both_ways_without_a_loss_of_the_lines_own() -> None:
    async with echoing() as (line, client, _echo):
        packets = 5_000_000 // 8 // PACKET * 2  # two seconds
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(packets):
            client.send(number)
            if number % 6 == 0:
                await asyncio.sleep(max(0.0, began + 2 * number / packets - loop.time()))
        await client.until(packets - 1)
        assert client.numbers == list(range(packets))
        assert line.up.counts.own_losses == line.down.counts.own_losses == 0


async def test_nothing_passes_in_an_outage_and_everything_after_it() -> None:
    async with echoing() as (line, client, echo):
        await client.until(1, resend=True)
        span = line.outage(0.3)
        came_before = len(echo.ports)
        for number in range(2, 12):
            client.send(number)
        await client.until(12, resend=True)
        assert time.time() >= span.ends_s
        assert not set(range(2, 12)) & set(client.numbers)
        assert line.up.counts.cut >= 10
        assert len(echo.ports) == came_before + client.numbers.count(12)


async def test_an_outage_of_one_direction_leaves_the_other() -> None:
    async with echoing() as (line, client, _echo):
        await client.until(1, resend=True)
        line.outage(60, "down")
        client.send(2)
        async with asyncio.timeout(DEADLINE_S):
            while line.down.counts.cut == 0:
                await asyncio.sleep(0.01)
        assert line.up.counts.cut == 0
        assert 2 not in client.numbers


async def test_a_new_mapping_sends_from_another_port_and_answers_come_back() -> None:
    async with echoing() as (line, client, echo):
        await client.until(1, resend=True)
        before = line.ports()
        line.remap()
        await client.until(2, resend=True)
        assert echo.ports[0] in before
        assert echo.ports[-1] in line.ports()
        assert echo.ports[-1] != echo.ports[0]


async def test_blocked_udp_stays_blocked_until_it_is_allowed() -> None:
    async with echoing() as (line, client, echo):
        line.set(udp_blocked=True)
        for number in range(10):
            client.send(number)
        async with asyncio.timeout(DEADLINE_S):
            while line.up.counts.cut < 10:
                await asyncio.sleep(0.01)
        assert echo.ports == []
        line.set(udp_blocked=False)
        await client.until(10, resend=True)


async def _echo_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def test_a_stream_comes_through_whole_however_bad_the_line() -> None:
    server = await asyncio.start_server(_echo_stream, "127.0.0.1", 0)
    sent = bytes(range(256)) * 100
    with Line(server.sockets[0].getsockname()) as line:
        line.set(loss=0.1, jitter_ms=20, rate_bps=2_000_000)
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        writer.write(sent)
        writer.write_eof()
        line.outage(0.2)
        assert await asyncio.wait_for(reader.read(-1), DEADLINE_S) == sent
        assert line.up.counts.lost > 0
        writer.close()
    server.close()


async def test_a_new_mapping_resets_a_stream() -> None:
    server = await asyncio.start_server(_echo_stream, "127.0.0.1", 0)
    with Line(server.sockets[0].getsockname()) as line:
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        writer.write(b"once")
        assert await asyncio.wait_for(reader.readexactly(4), DEADLINE_S) == b"once"
        line.remap()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.readexactly(1), DEADLINE_S)
        writer.close()
    server.close()


async def test_a_page_that_is_led_takes_other_ports_from_the_offer(tmp_path) -> None:
    offer = write_offer(
        session_id=1,
        version=1,
        ufrag="ufra",
        password="p" * 24,
        fingerprint=":".join(["AB"] * 32),
        addresses=[("127.0.0.1", 8443)],
        tcp=True,
        slots=[SlotSsrcs(11, 12, 13, 14, 15)],
        codecs=CODECS,
    )
    async with async_playwright() as playwright:
        browser = await launch(playwright, tmp_path)
        page = await browser.new_page()
        await lead(page, {8443: 9555})
        taken = await page.evaluate(
            """async (sdp) => {
                const peer = new RTCPeerConnection();
                await peer.setRemoteDescription({ type: "offer", sdp });
                return peer.remoteDescription.sdp;
            }""",
            offer,
        )
        assert "8443" not in taken
        assert "127.0.0.1 9555 typ host" in taken
        assert await connections_of(page) == 1
        await browser.close()
