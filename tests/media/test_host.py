"""A media host is the same to its server, whether it runs in this process or in another one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from media.host.api import Change, HostLost, MediaHost, News, Plan, Refused, Unknown
from media.host.control import Control
from media.host.host import LocalHost
from media.host.remote import RemoteHost
from media.node.node import Invitation, Node
from media.records import manifest as manifests
from media.records.manifest import Segment
from media.records.store import Store
from tests.media.light import LightParty
from tests.media.peers import until

TOKEN = "a token of the media hosts"
TAKEN_AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
KINDS = ["local", "remote"]


def plan(party: str, *, call: str = "call-7", recorded: bool = True) -> Plan:
    return Plan(
        call=call,
        party=party,
        visit="visit-7",
        city="lanzhou",
        taken_at=TAKEN_AT,
        recorded=recorded,
    )


def local_host(root: Path) -> LocalHost:
    return LocalHost(
        "media-1",
        Store(root),
        lambda listener: Node(host="127.0.0.1", port=0, announce=["127.0.0.1"], listener=listener),
    )


@dataclass
class Served:
    """A local host behind its control interface, on a port of its own."""

    host: LocalHost
    control: Control
    port: int = 0
    runner: web.AppRunner | None = None

    async def start(self) -> None:
        self.runner = web.AppRunner(self.control.application(), shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Server:
    """What the server has: the host as it sees it, and the news it heard."""

    host: MediaHost
    local: LocalHost
    served: Served | None
    told: list[News] = field(default_factory=list)
    parties: list[LightParty] = field(default_factory=list)

    def has(self, change: Change, *, connection: str = "", call: str = "") -> bool:
        return any(
            n.change == change and connection in ("", n.connection) and call in ("", n.call)
            for n in self.told
        )

    async def invite(self, slots: int = 1) -> LightParty:
        """A warm party whose answer was taken."""
        made = await self.host.invite(slots)
        invitation = Invitation(made.connection, made.offer)  # type: ignore[arg-type]
        party = LightParty(invitation, len(self.parties) + 1)
        self.parties.append(party)
        return party

    async def join(self, name: str, *, call: str = "call-7", recorded: bool = True) -> LightParty:
        party = await self.invite()
        await self.host.answer(party.connection, party.answer())
        await self.host.join(party.connection, plan(name, call=call, recorded=recorded))
        await party.connect(self.local.node)
        await until(lambda: self.has("connected", connection=party.connection))
        return party

    def segments(self) -> list[Segment]:
        folder = self.local.store.folder("lanzhou", "visit-7", TAKEN_AT)
        try:
            return list(manifests.read(folder).segments)
        except manifests.NoManifest:
            return []


@asynccontextmanager
async def server(kind: str, root: Path) -> AsyncIterator[Server]:
    """A started host, near or far."""
    local = local_host(root)
    told: list[News] = []
    if kind == "local":
        running = Server(local, local, None, told)
        await local.start(told.append)
    else:
        control = Control(local, TOKEN)
        served = Served(local, control)
        await local.start(control.hear)
        await served.start()
        remote = RemoteHost("media-1", served.url, TOKEN)
        running = Server(remote, local, served, told)
        await remote.start(told.append)
    await until(lambda: running.has("ready"))
    try:
        yield running
    finally:
        await asyncio.gather(*(party.hang_up() for party in running.parties))
        await running.host.stop()
        if running.served is not None:
            await running.served.stop()
            await local.stop()


async def heard(speaker: LightParty, listener: LightParty, word: bytes, number: int = 1) -> None:
    speaker.speak(number, word)
    await listener.until(lambda: word in listener.bodies())


both = pytest.mark.parametrize("kind", KINDS)


# The contract


@both
async def test_two_parties_meet_and_their_call_is_recorded(kind: str, tmp_path: Path) -> None:
    async with server(kind, tmp_path) as running:
        assert running.host.ready
        assert running.host.name == "media-1"
        resident, clerk = await running.join("resident"), await running.join("clerk")
        await heard(resident, clerk, b"good day")
        await heard(clerk, resident, b"good day too")
        await running.host.close("call-7")
        for party in (resident, clerk):
            await until(
                lambda party=party: running.has("closed", connection=party.connection)  # type: ignore[misc]
            )
        await until(lambda: [s.state for s in running.segments()] == ["complete"] * 2)
        assert sorted(s.file for s in running.segments()) == [
            "clerk-001.webm",
            "resident-001.webm",
        ]
        assert {n.host for n in running.told} == {"media-1"}


@both
async def test_a_warm_line_is_joined_later_and_nothing_of_it_is_kept_before(
    kind: str, tmp_path: Path
) -> None:
    async with server(kind, tmp_path) as running:
        waiting = await running.invite()
        await running.host.answer(waiting.connection, waiting.answer())
        await waiting.connect(running.local.node)
        await until(lambda: running.has("connected", connection=waiting.connection))
        clerk = await running.join("clerk", recorded=False)
        waiting.speak(1, b"private")
        await waiting.echo()
        await running.host.join(waiting.connection, plan("resident"))
        await heard(waiting, clerk, b"hello", 2)
        assert b"private" not in clerk.bodies()
        await running.host.close("call-7")
        await until(lambda: [s.state for s in running.segments()] == ["complete"])
        assert running.segments()[0].audio_frames == 1


@both
async def test_the_table_decides_who_hears_whom(kind: str, tmp_path: Path) -> None:
    async with server(kind, tmp_path) as running:
        await running.host.hear("call-7", {"clerk": ["resident"], "resident": []})
        resident, clerk = await running.join("resident"), await running.join("clerk")
        clerk.speak(1, b"whisper")
        await heard(resident, clerk, b"aloud")
        await running.host.hear("call-7", {"clerk": ["resident"], "resident": ["clerk"]})
        await heard(clerk, resident, b"to you", 2)
        assert b"whisper" not in resident.bodies()


@both
async def test_a_party_that_needs_more_room_is_offered_it(kind: str, tmp_path: Path) -> None:
    async with server(kind, tmp_path) as running:
        resident, clerk = await running.join("resident"), await running.join("clerk")
        steward = await running.join("steward")

        def offers(party: LightParty) -> list[str]:
            told = [n for n in running.told if n.connection == party.connection]
            return [n.offer for n in told if n.change == "offer"]

        for party in (resident, clerk, steward):
            await until(lambda party=party: offers(party) != [])  # type: ignore[misc]
            party.offer = offers(party)[0]
            await running.host.answer(party.connection, party.answer())
        await heard(steward, resident, b"good day")


@both
async def test_what_a_host_does_not_take_is_told_apart(kind: str, tmp_path: Path) -> None:
    async with server(kind, tmp_path) as running:
        host, party = running.host, await running.invite()
        with pytest.raises(Refused, match="v=0") as refused:
            await host.answer(party.connection, "no SDP")
        assert not refused.value.twice
        await host.answer(party.connection, party.answer())
        with pytest.raises(Refused) as refused:
            await host.answer(party.connection, party.answer())
        assert refused.value.twice
        with pytest.raises(Unknown):
            await host.answer("0123", party.answer())
        with pytest.raises(Unknown):
            await host.join("0123", plan("resident"))
        await host.leave("0123")
        await host.close("call-8")


@both
async def test_a_seventh_party_is_refused(kind: str, tmp_path: Path) -> None:
    async with server(kind, tmp_path) as running:
        for number in range(6):
            party = await running.invite()
            await running.host.join(party.connection, plan(f"listener-{number}", recorded=False))
        party = await running.invite()
        with pytest.raises(Refused, match="at most 6 parties"):
            await running.host.join(party.connection, plan("listener-6"))
        assert running.segments() == []


@both
async def test_a_recording_is_paused_and_goes_on_and_both_is_told(
    kind: str, tmp_path: Path
) -> None:
    async with server(kind, tmp_path) as running:
        resident = await running.join("resident")
        clerk = await running.join("clerk", recorded=False)
        await heard(resident, clerk, b"recorded", 1)
        await running.host.record("call-7", running=False)
        await until(lambda: running.has("paused", call="call-7"))
        await heard(resident, clerk, b"not recorded", 2)
        await running.host.record("call-7", running=True)
        await until(lambda: running.has("recording", call="call-7"))
        await heard(resident, clerk, b"recorded again", 3)
        await running.host.leave(resident.connection)
        await until(lambda: [s.state for s in running.segments()] == ["complete"] * 2)
        assert [s.audio_frames for s in running.segments()] == [1, 1]


@both
async def test_a_connection_that_is_left_is_told_as_closed(kind: str, tmp_path: Path) -> None:
    async with server(kind, tmp_path) as running:
        party = await running.join("resident")
        await running.host.leave(party.connection)
        await until(lambda: running.has("closed", connection=party.connection))
        with pytest.raises(Unknown):
            await running.host.join(party.connection, plan("resident"))


@both
async def test_a_draining_host_says_so_and_its_calls_go_on(kind: str, tmp_path: Path) -> None:
    async with server(kind, tmp_path) as running:
        resident, clerk = await running.join("resident"), await running.join("clerk")
        running.local.drain()
        await until(lambda: running.has("draining"))
        assert not running.host.ready
        await heard(resident, clerk, b"still here")
        assert running.local.busy
        await running.host.close("call-7")
        await until(lambda: not running.local.busy)


@both
async def test_the_status_names_no_party_outside_its_calls(kind: str, tmp_path: Path) -> None:
    async with server(kind, tmp_path) as running:
        await running.join("resident")
        status = await running.host.status()
        assert (status["name"], status["ready"], status["calls"]) == ("media-1", True, 1)
        (connection,) = status["connections"]
        assert (connection["call"], connection["party"]) == ("call-7", "resident")
        assert status["recording_failures"] == 0


# What only a far host can do


async def test_a_wrong_token_is_refused_on_every_way_in(tmp_path: Path) -> None:
    async with server("remote", tmp_path) as running:
        assert running.served is not None
        url = running.served.url
        async with aiohttp.ClientSession() as http:
            for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}):
                for method, path in (
                    ("POST", "/connections"),
                    ("GET", "/status"),
                    ("GET", "/metrics"),
                    ("GET", "/news"),
                    ("DELETE", "/calls/call-7"),
                ):
                    async with http.request(method, url + path, headers=headers) as response:
                        assert response.status == 401
        stranger = RemoteHost("media-1", url, "another token")
        told: list[News] = []
        await stranger.start(told.append)
        with pytest.raises(HostLost, match="media host media-1"):
            await stranger.invite()
        await stranger.stop()
        assert not any(n.change == "ready" for n in told)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/connections", b"{"),
        ("POST", "/connections", b'{"slots": "two"}'),
        ("POST", "/connections/0123/answer", b'{"sdp": 7}'),
        ("POST", "/connections/0123/join", b'{"call": "call-7"}'),
        ("PUT", "/calls/call-7/hears", b'{"clerk": "resident"}'),
        ("PUT", "/calls/call-7/recording", b'{"running": 1, "more": 2}'),
    ],
)
async def test_a_command_that_does_not_parse_is_refused_with_words(
    method: str, path: str, body: bytes, tmp_path: Path
) -> None:
    async with server("remote", tmp_path) as running, aiohttp.ClientSession() as http:
        assert running.served is not None
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with http.request(
            method, running.served.url + path, data=body, headers=headers
        ) as response:
            assert response.status == 400
            assert (await response.json())["detail"]


async def test_metrics_are_behind_the_token_and_name_no_call(tmp_path: Path) -> None:
    async with server("remote", tmp_path) as running, aiohttp.ClientSession() as http:
        assert running.served is not None
        await running.join("resident")
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with http.get(running.served.url + "/metrics", headers=headers) as response:
            text = await response.text()
        assert 'virtual_window_media_calls{host="media-1"} 1.0' in text
        assert "call-7" not in text
        assert "resident" not in text


async def test_a_host_that_stops_answering_is_lost_and_found_again(tmp_path: Path) -> None:
    async with server("remote", tmp_path) as running:
        assert running.served is not None
        resident, clerk = await running.join("resident"), await running.join("clerk")
        await running.served.stop()
        await until(lambda: running.has("lost"))
        assert not running.host.ready
        with pytest.raises(HostLost):
            await running.host.invite()
        await heard(resident, clerk, b"the media go on")

        running.told.clear()
        await running.served.start()
        await until(lambda: running.has("ready"))
        assert running.host.ready
        await heard(resident, clerk, b"and so does the call", 2)
        await running.host.close("call-7")
        await until(lambda: running.has("closed", connection=clerk.connection))


async def test_a_host_that_was_never_there_is_lost_and_found_when_it_comes(tmp_path: Path) -> None:
    async with server("remote", tmp_path) as running:
        assert running.served is not None
        await running.served.stop()
        late = RemoteHost("media-2", running.served.url, TOKEN)
        told: list[News] = []
        await late.start(told.append)
        await until(lambda: [n.change for n in told] == ["lost"])
        await running.served.start()
        await until(lambda: late.ready)
        assert {n.host for n in told} == {"media-2"}
        await late.stop()


async def test_calls_of_an_earlier_server_process_are_closed_and_those_of_the_new_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media.host.control.ORPHANS_S", 0.3)
    async with server("remote", tmp_path) as running:
        assert running.served is not None
        orphan = await running.join("resident")
        await running.host.stop()

        told = running.told = []
        running.host = RemoteHost("media-1", running.served.url, TOKEN)
        await running.host.start(told.append)
        await until(lambda: running.has("ready"))
        resident = await running.join("resident", call="call-8")
        clerk = await running.join("clerk", call="call-8")
        await until(lambda: running.has("closed", connection=orphan.connection))
        await heard(resident, clerk, b"of the new process")
        assert not running.has("closed", call="call-8")


async def test_a_server_that_another_one_followed_is_refused_and_stays_away(tmp_path: Path) -> None:
    """It may not know that it is the server no longer, and would drive the same calls."""
    async with server("remote", tmp_path) as running:
        assert running.served is not None
        earlier, told = running.host, running.told
        resident, clerk = await running.join("resident"), await running.join("clerk")

        later = RemoteHost("media-1", running.served.url, TOKEN)
        running.host, running.told = later, []
        await later.start(running.told.append)
        await until(lambda: running.has("ready"))
        await until(lambda: not earlier.ready)
        with pytest.raises(HostLost):
            await earlier.close("call-7")
        with pytest.raises(HostLost):
            await earlier.invite()
        await heard(resident, clerk, b"undisturbed")
        assert all(news.change != "closed" for news in told)
        await later.invite()
        await earlier.stop()


async def test_whoever_only_looks_is_told_the_status_and_takes_nothing_over(
    tmp_path: Path,
) -> None:
    async with server("remote", tmp_path) as running:
        assert running.served is not None
        onlooker = RemoteHost("media-1", running.served.url, TOKEN)
        onlooker.look()
        assert (await onlooker.status())["ready"]
        await onlooker.stop()
        await running.join("resident")
        assert running.host.ready


async def test_calls_of_a_server_that_only_lost_its_line_are_not_orphans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media.host.control.ORPHANS_S", 0.1)
    async with server("remote", tmp_path) as running:
        assert running.served is not None
        resident, clerk = await running.join("resident"), await running.join("clerk")
        await running.served.stop()
        await until(lambda: running.has("lost"))
        running.told.clear()
        await running.served.start()
        await until(lambda: running.has("ready"))
        number, since = 0, time.monotonic()
        while time.monotonic() - since < 0.3:
            number += 1
            await heard(resident, clerk, b"%d" % number, number)
        assert not running.has("closed")
