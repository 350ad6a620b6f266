"""Where a firewall passes no UDP the same parties talk over TCP; strangers cost little."""

import asyncio
import re
import socket

import pytest

from media.node import tcp
from media.node.tcp import MAX_FRAME_BYTES, TcpListener, TcpPath
from tests.media.light import LightExchange, LightParty, TcpWire, UdpWire, light_exchange
from tests.media.peers import DEADLINE_S, binding_request, credentials, until


class Inbox:
    """What a listener hands on."""

    def __init__(self) -> None:
        self.datagrams: list[bytes] = []
        self.paths: list[TcpPath] = []
        self.gone: list[TcpPath] = []

    def receive(self, datagram: bytes, path: TcpPath) -> None:
        self.datagrams.append(datagram)
        if path not in self.paths:
            self.paths.append(path)


async def listening(inbox: Inbox) -> tuple[TcpListener, int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    listener = TcpListener(inbox.receive, inbox.gone.append)
    await listener.start("127.0.0.1", port)
    return listener, port


def framed(datagram: bytes) -> bytes:
    return len(datagram).to_bytes(2, "big") + datagram


def tcp_refused(running: LightExchange) -> int:
    found = running.node.status()["tcp_refused"]
    assert isinstance(found, int)
    return found


async def open_port(running: LightExchange) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", running.node.port)


async def closed(reader: asyncio.StreamReader) -> None:
    """Wait until the other end hangs up."""
    async with asyncio.timeout(DEADLINE_S):
        try:
            while await reader.read(1_000):
                pass
        except ConnectionError:
            return


# A call


async def test_a_party_over_tcp_and_one_over_udp_hear_and_see_each_other() -> None:
    async with light_exchange() as running:
        resident = await running.join("resident", medium="tcp")
        clerk = await running.join("clerk")
        resident.speak(1, b"from a hall")
        clerk.show(1, b"from an office")
        await clerk.until(lambda: b"from a hall" in clerk.bodies())
        await resident.until(lambda: b"from an office" in resident.bodies())


async def test_the_offer_names_a_passive_tcp_candidate_on_the_same_port() -> None:
    async with light_exchange() as running:
        found = re.findall(r"a=candidate:\d+ 1 tcp \d+ (\S+) (\d+) (.*)\r", running.warm().offer)
        assert set(found) == {("127.0.0.1", str(running.node.port), "typ host tcptype passive")}


async def test_without_tcp_nobody_listens_and_nothing_is_offered() -> None:
    async with light_exchange(tcp=False) as running:
        assert " tcp " not in running.warm().offer
        with pytest.raises(ConnectionRefusedError):
            await open_port(running)


async def test_a_party_moves_from_tcp_to_udp_and_its_old_path_is_closed_with_it() -> None:
    async with light_exchange() as running:
        resident = await running.join("resident", medium="tcp")
        clerk = await running.join("clerk")
        old = resident.wire
        assert isinstance(old, TcpWire)
        await moved(running, resident)
        resident.speak(1, b"over udp")
        clerk.speak(1, b"to udp")
        await clerk.until(lambda: b"over udp" in clerk.bodies())
        await resident.until(lambda: b"to udp" in resident.bodies())
        running.node.leave(resident.connection)
        await closed_wire(old)


async def moved(running: LightExchange, party: LightParty) -> None:
    """Check and nominate a UDP path with the same credentials, on the same association."""
    party.wire = UdpWire("127.0.0.1", running.node.port, party.receive)
    await party.echo()


async def closed_wire(wire: TcpWire) -> None:
    async with asyncio.timeout(DEADLINE_S):
        await wire.closed.wait()
    wire.close()


async def test_a_party_whose_tcp_path_broke_is_reached_over_the_next_one() -> None:
    async with light_exchange() as running:
        resident = await running.join("resident", medium="tcp")
        clerk = await running.join("clerk")
        assert resident.wire is not None
        resident.wire.close()
        resident.wire = await TcpWire.open("127.0.0.1", running.node.port, resident.receive)
        await resident.echo()
        clerk.speak(1, b"still here")
        await resident.until(lambda: b"still here" in resident.bodies())
        assert not running.news.has(resident.connection, "closed")


# Framing


@pytest.mark.parametrize("chunk", [1, 2, 3, 1_000_000])
async def test_datagrams_are_found_however_tcp_cuts_them(chunk: int) -> None:
    inbox = Inbox()
    listener, port = await listening(inbox)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = [b"a", b"bc" * 40, bytes(MAX_FRAME_BYTES)] if chunk > 2 else [b"a", b"bc" * 40]
    whole = b"".join(framed(datagram) for datagram in sent)
    for at in range(0, len(whole), chunk):
        writer.write(whole[at : at + chunk])
        await writer.drain()
    await until(lambda: len(inbox.datagrams) == len(sent))
    assert inbox.datagrams == sent
    assert inbox.paths[0].send(b"answer")
    assert await reader.readexactly(8) == b"\x00\x06answer"
    writer.close()
    await until(lambda: inbox.gone == inbox.paths)
    await listener.stop()


@pytest.mark.parametrize("broken", [b"\x00\x00", b"\xff\xff", b"\x08\x01", b"GET / HTTP/1.1\r\n"])
async def test_a_stranger_with_another_protocol_is_hung_up_on(broken: bytes) -> None:
    async with light_exchange() as running:
        reader, writer = await open_port(running)
        writer.write(broken)
        await closed(reader)
        writer.close()


async def test_a_path_that_does_not_keep_up_drops_instead_of_queueing() -> None:
    inbox = Inbox()
    listener, port = await listening(inbox)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(framed(b"hello"))
    await until(lambda: inbox.paths != [])
    sent = [inbox.paths[0].send(bytes(1_200)) for _ in range(20_000)]
    assert sent[0]
    assert not sent[-1]
    writer.close()
    await listener.stop()


# Strangers


async def test_who_does_not_prove_itself_in_time_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp, "PROOF_S", 0.2)
    async with light_exchange() as running:
        resident = running.warm()
        silent, silent_writer = await open_port(running)
        forger, forger_writer = await open_port(running)
        username, _ = credentials(resident.offer)
        forger_writer.write(framed(bytes(binding_request(username, "f" * 32))))
        await running.connect(resident, "tcp")
        await closed(silent)
        await closed(forger)
        await resident.echo()  # who has proved itself stays
        for writer in (silent_writer, forger_writer):
            writer.close()


async def test_more_strangers_than_there_is_room_for_are_refused_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp, "MAX_UNPROVED", 5)
    async with light_exchange() as running:
        resident = await running.join("resident", medium="tcp")  # proved: not one of them
        streams = [await open_port(running) for _ in range(8)]
        await until(lambda: tcp_refused(running) == 3)
        clerk = await running.join("clerk")
        resident.speak(1, b"undisturbed")
        await clerk.until(lambda: b"undisturbed" in clerk.bodies())
        for _, writer in streams:
            writer.close()


async def test_strangers_that_leave_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MAX_UNPROVED", 2)
    async with light_exchange() as running:
        for _ in range(3):
            for reader, writer in [await open_port(running) for _ in range(2)]:
                writer.write(b"\x00\x00")  # broken framing: hung up on at once
                await closed(reader)
                writer.close()
        await running.join("resident", medium="tcp")
        assert tcp_refused(running) == 0
