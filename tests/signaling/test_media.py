"""Calls with media over the real service: bad answers, garbage, the recording, and the log."""

import asyncio
import contextlib
import json
import random
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio
from aiortc import RTCPeerConnection, RTCSessionDescription

from deploy.demo_world import PASSWORD
from signaling import protocol
from signaling.client import Api, CommandRefused
from signaling.headless import CLERK, RESIDENT, HeadlessPeer, join_call
from tests.signaling.parties import (
    Clerk,
    Resident,
    accepted,
    clerk,
    finish,
    hello,
    person,
    resident,
    sample,
)
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
ID_NUMBER, PASSPHRASE = "330402199901011234", "Sonnenblume-2026"
NOTES = f"身份证 {ID_NUMBER},初始密码 {PASSPHRASE}"
DATAGRAMS, BATCH = 2000, 40


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    async with ServiceProcess(tmp_path_factory.mktemp("media")) as running:
        yield running


@dataclass
class RunningCall:
    """Two parties who see each other."""

    visit: str
    at_kiosk: Resident
    at_desk: Clerk
    peers: tuple[HeadlessPeer, HeadlessPeer]

    async def hears_more(self) -> None:
        """Wait until both have received more sound and more picture."""
        before = [dict(peer.frames) for peer in self.peers]
        async with asyncio.timeout(20):
            while not all(
                peer.frames[kind] > had[kind] + 5
                for peer, had in zip(self.peers, before, strict=True)
                for kind in had
            ):
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running_call(
    service: ServiceProcess, login: str, city: str
) -> AsyncIterator[RunningCall]:
    """A call of a resident and this clerk; ended and closed afterwards."""
    async with resident(service) as at_kiosk, clerk(service, login) as at_desk:
        visit = await accepted(at_kiosk, at_desk, city)
        peers = await asyncio.gather(
            join_call(at_kiosk.line, RESIDENT), join_call(at_desk.line, CLERK)
        )
        try:
            yield RunningCall(visit.id, at_kiosk, at_desk, peers)
        finally:
            await asyncio.gather(*(peer.close() for peer in peers))
            await finish(at_kiosk, at_desk, visit.id)


def garbage(chance: random.Random) -> bytes:
    """A datagram that looks like STUN, DTLS, RTP, RTCP, or nothing at all."""
    rest = chance.randbytes(chance.randrange(0, 400))
    match chance.randrange(6):
        case 0:  # STUN with its cookie and its length right
            body = rest[: len(rest) // 4 * 4]
            return struct.pack("!HHI12s", 1, len(body), 0x2112A442, chance.randbytes(12)) + body
        case 1:
            return bytes([chance.randrange(4)]) + rest
        case 2:  # DTLS handshake record
            return b"\x16\xfe\xfd" + chance.randbytes(8) + struct.pack("!H", len(rest)) + rest
        case 3:
            return bytes([0x80, chance.choice((96, 97, 111))]) + rest
        case 4:
            return bytes([0x81, chance.randrange(192, 224)]) + rest
        case _:
            return bytes([chance.randrange(256)]) + rest


async def strangers(admin: Api) -> int:
    """How many datagrams the node has refused."""
    (host,) = await admin.call("GET", "/api/media")
    return sum(count for reason, count in host["refused"].items() if reason != "answered")


async def test_garbage_at_the_media_port_is_counted_and_disturbs_no_call(
    service: ServiceProcess,
) -> None:
    chance = random.Random(20261123)
    async with (
        running_call(service, "jiaxing1", "330400") as call,
        person(service, "songjiang-admin") as admin,
    ):
        before = await strangers(admin)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.connect(("127.0.0.1", service.settings.media_port))
            for _ in range(0, DATAGRAMS, BATCH):
                for _ in range(BATCH):
                    wire.send(garbage(chance))
                await admin.call("GET", "/api/media")  # the service has read them by then
        async with asyncio.timeout(10):
            while await strangers(admin) - before < DATAGRAMS:
                await asyncio.sleep(0.02)
        await call.hears_more()
        state = call.at_kiosk.line.state.call
        assert state is not None
        assert state.far == "connected"
        (host,) = await admin.call("GET", "/api/media")
        assert [c["connected"] for c in host["connections"]] == [True, True]


def with_foreign_payload_types(sdp: str) -> str:
    return sdp.replace("SAVPF 111", "SAVPF 0 8").replace("SAVPF 96", "SAVPF 120")


async def own_offer(offer: str) -> str:
    """An SDP offer that the browser made itself."""
    peer = RTCPeerConnection()
    await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    sdp = str(peer.localDescription.sdp)
    await peer.close()
    return sdp.replace("a=setup:active", "a=setup:actpass")


async def test_what_is_no_answer_to_our_offer_is_refused_and_the_call_can_still_be_answered(
    service: ServiceProcess,
) -> None:
    async with resident(service) as at_kiosk, clerk(service, "hangzhou1") as at_desk:
        visit = await accepted(at_kiosk, at_desk, "330100")
        connection = at_kiosk.line.state.connection
        assert connection is not None
        offer = connection.offer
        assert offer is not None
        peer = HeadlessPeer(RESIDENT)
        answer = await peer.answer(offer)
        section = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
        bad = {
            "our own offer": (offer, "bad_answer"),
            "an offer": (await own_offer(offer), "bad_answer"),
            "nothing": ("", "bad_answer"),
            "no SDP": ("hello", "bad_answer"),
            "half": (answer[: len(answer) // 2], "bad_answer"),
            "one section": (answer[: answer.index("m=video")], "bad_answer"),
            "payload types": (with_foreign_payload_types(answer), "bad_answer"),
            "200 sections": ("v=0\r\n" + section * 200, "bad_answer"),
            "no certificate": (answer.replace("a=fingerprint", "a=fingerless"), "bad_answer"),
            "too long": (answer + "a=" + "x" * 48 * 1024, "bad_value"),
        }
        for name, (sdp, code) in bad.items():
            with pytest.raises(CommandRefused) as refused:
                await at_kiosk.line.command(protocol.Answer, connection=connection.id, sdp=sdp)
            assert refused.value.code == code, name

        raw, _ = await hello(at_kiosk.api)  # 88 KiB are more than a message may have
        message = sample(protocol.Answer, connection=connection.id, sdp="x" * 88 * 1024)
        await raw.socket.send_str(json.dumps(message))
        assert await raw.closed_with() == 1009
        raw, welcome = await hello(at_kiosk.api)
        assert welcome["state"]["connection"]["offer"] == offer
        good = sample(protocol.Answer, connection=connection.id, sdp=answer)
        assert (await raw.say(json.dumps(good)))["type"] == "done"
        await at_desk.line.until(lambda s: s.call is not None and s.call.far == "connected")
        again = sample(protocol.Answer, connection=connection.id, sdp=answer)
        assert (await raw.say(json.dumps(again)))["code"] == "conflict"
        await raw.command("end_call", visit=visit.id)
        await raw.command("wipe", visit=visit.id)
        await peer.close()
        await at_desk.window("wrap_up")
        await at_desk.line.command(protocol.CloseVisit, visit=visit.id, outcome="left", ready=False)


@dataclass
class Past:
    """A recorded visit, and the secrets that passed through the service for it."""

    visit: str
    secrets: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def past(service: ServiceProcess) -> Past:
    """A visit with a call, notes that nobody else may read, and a rating."""
    async with running_call(service, "suzhou1", "320500") as call:
        for running, wanted in ((False, "paused"), (True, "recording")):
            await call.at_desk.line.command(
                protocol.SetRecording, visit=call.visit, running=running
            )
            for line in (call.at_kiosk.line, call.at_desk.line):
                await line.until(  # type: ignore[attr-defined]
                    lambda s, wanted=wanted: s.call is not None and s.call.recording == wanted
                )
            await call.hears_more()
        await call.at_desk.line.command(
            protocol.KeepCase, visit=call.visit, notes=NOTES, checked=[]
        )
        for wrong in ("wrong-" + PASSPHRASE, PASSWORD):
            with contextlib.suppress(Exception):
                async with Api(service.url) as api:
                    await api.sign_in("nobody-" + ID_NUMBER, wrong)
        raw = '{"type":"keep_case","notes":"' + NOTES + '"'
        for text in (raw, raw + "}", raw + ',"id":"a","visit":"b","checked":5}'):
            with contextlib.suppress(CommandRefused):
                await call.at_desk.line._socket.send_str(text)
        secrets = [
            call.at_kiosk.api.token,
            call.at_desk.api.token,
            call.at_kiosk.key.assertion(),
            *(cookie.value for cookie in call.at_desk.api._http.cookie_jar),
        ]
    await service.sealed_record(call.visit)
    return Past(call.visit, secrets)


async def test_neither_notes_nor_passwords_nor_tokens_nor_sdp_are_in_the_log(
    service: ServiceProcess, past: Past
) -> None:
    log = service.log()
    assert "line of clerk suzhou1" in log  # it does log
    for secret in (ID_NUMBER, PASSPHRASE, PASSWORD, NOTES, *past.secrets):
        assert secret not in log
    for trace in ("eyJ", "a=candidate", "fingerprint", "ice-ufrag", "ice-pwd", "m=audio", "v=0"):
        assert trace not in log
    assert "Traceback" not in log


async def test_a_recording_is_given_out_in_ranges(service: ServiceProcess, past: Past) -> None:
    async with person(service, "suzhou-supervisor") as api:
        record = await api.call("GET", f"/api/visits/{past.visit}")
        assert {s["party"] for s in record["segments"]} == {"resident", "clerk"}
        assert record["notes"] == NOTES
        headers = {"Authorization": f"Bearer {api.token}"}
        for segment in record["segments"]:
            address = f"{service.url}/api/visits/{past.visit}/recordings/{segment['file']}"
            async with aiohttp.ClientSession(headers=headers) as http:
                async with http.get(address) as response:
                    whole = await response.read()
                    assert response.status == 200
                    assert response.content_type == "video/webm"
                    assert "no-store" in response.headers["Cache-Control"]
                async with http.get(address, headers={"Range": "bytes=100-199"}) as response:
                    assert response.status == 206
                    assert await response.read() == whole[100:200]
                    assert response.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
                async with http.get(address, headers={"Range": "bytes=-10"}) as response:
                    assert await response.read() == whole[-10:]
                far = {"Range": f"bytes={len(whole)}-"}
                async with http.get(address, headers=far) as response:
                    assert response.status == 416


async def test_a_recording_is_verified_on_request_and_its_time_line_tells_who_did_what(
    service: ServiceProcess, past: Past
) -> None:
    async with person(service, "suzhou-supervisor") as api:
        told = await api.call("POST", f"/api/visits/{past.visit}/verification")
        assert told == {"verified": True, "findings": []}
        record = await api.call("GET", f"/api/visits/{past.visit}")
        events = [event["event"] for event in record["events"]]
        assert events[:3] == ["ticket_taken", "offer", "accept"]
        assert {"resident_sees_clerk", "clerk_sees_resident"} <= set(events)
        assert events[-2:] == ["end", "close"]
        (pause,) = record["breaks"]
        told = {e["event"]: e for e in record["events"]}
        for event, at in (("recording_paused", "start_ms"), ("recording_resumed", "end_ms")):
            assert told[event]["actor"] == "suzhou1"
            assert abs(told[event]["start_ms"] - pause[at]) < 50
        assert pause["kind"] == "pause"
        kept = [(s["start_ms"], s["start_ms"] + s["duration_ms"]) for s in record["segments"]]
        assert len(kept) == 4
        for start, end in kept:
            assert end <= pause["start_ms"] + 150 or start >= pause["end_ms"] - 150


async def test_a_recording_of_another_city_is_as_unknown_as_none(
    service: ServiceProcess, past: Past
) -> None:
    async with person(service, "wuhu-supervisor") as api, aiohttp.ClientSession() as http:
        for file in ("resident-001.webm", "clerk-001.webm"):
            async with http.get(
                f"{service.url}/api/visits/{past.visit}/recordings/{file}",
                headers={"Authorization": f"Bearer {api.token}"},
            ) as response:
                assert response.status == 404
