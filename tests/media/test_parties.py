"""Who hears whom is the table's word, on the packets; and nobody hears who is not in the call."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from media.node import rtcp
from media.node.congestion import read_feedback
from media.node.node import CallId, TooManyParties
from media.node.sdp import MAX_PARTIES
from tests.media.light import LightExchange, LightParty, light_exchange
from tests.media.peers import CALL, exchange
from tests.media.rtp import red

ARRIVALS = (rtcp.TRANSPORT_FEEDBACK, rtcp.TRANSPORT_CC)

TABLE = {
    "resident": ["clerk"],
    "clerk": ["resident", "steward"],
    "steward": ["clerk", "resident"],
}


async def call_of(
    running: LightExchange, names: Sequence[str], table: Mapping[str, Sequence[str]] | None = None
) -> list[LightParty]:
    """Connected parties with a slot for each other."""
    if table is not None:
        running.node.hear(CALL, table)
    return [await running.join(name, slots=len(names) - 1) for name in names]


def named(name: str, turn: int) -> bytes:
    return f"{name}-{turn}".encode()


async def heard(parties: Mapping[str, LightParty], turn: int) -> dict[str, set[str]]:
    """Who hears whom: everybody speaks, and then says a word that ends the turn.

    The node passes in order, so who has heard the end of a party has heard all of it.
    """
    for name, party in parties.items():
        party.speak(2 * turn, named(name, turn))
        party.show(2 * turn, named(name, turn))
        party.show(2 * turn, named(name, turn), track="screen")
    await asyncio.gather(*(party.echo() for party in parties.values()))
    return {
        name: {far for far in parties if named(far, turn) in party.bodies()}
        for name, party in parties.items()
    }


# Tables


async def test_without_a_table_all_hear_all_others_in_all_their_tracks() -> None:
    async with light_exchange() as running:
        names = ["resident", "clerk", "steward"]
        parties = dict(zip(names, await call_of(running, names), strict=True))
        assert await heard(parties, 1) == {n: set(names) - {n} for n in names}
        for party in parties.values():
            for slot in range(2):
                for track in ("audio", "camera", "screen"):
                    assert len(party.received(slot, track)) == 1  # type: ignore[arg-type]


async def test_six_parties_hear_each_other() -> None:
    async with light_exchange() as running:
        names = [f"party-{number}" for number in range(MAX_PARTIES)]
        parties = dict(zip(names, await call_of(running, names), strict=True))
        assert await heard(parties, 1) == {n: set(names) - {n} for n in names}


async def test_a_whisper_to_the_clerk_is_not_heard_by_the_resident() -> None:
    async with light_exchange() as running:
        parties = dict(zip(TABLE, await call_of(running, list(TABLE), TABLE), strict=True))
        assert await heard(parties, 1) == {name: set(far) for name, far in TABLE.items()}


async def test_a_table_changes_while_the_call_runs_and_nobody_is_offered_anything() -> None:
    async with light_exchange() as running:
        parties = dict(zip(TABLE, await call_of(running, list(TABLE), TABLE), strict=True))
        await heard(parties, 1)
        open_table = {name: set(TABLE) - {name} for name in TABLE}
        running.node.hear(CALL, {name: sorted(far) for name, far in open_table.items()})
        assert await heard(parties, 2) == open_table
        running.node.hear(CALL, TABLE)
        assert await heard(parties, 3) == {name: set(far) for name, far in TABLE.items()}
        assert not any(n.change == "offer" for n in running.news.told)


async def test_who_is_not_in_the_table_hears_nobody() -> None:
    async with light_exchange() as running:
        names = ["resident", "clerk", "listener"]
        table = {"resident": ["clerk"], "clerk": ["resident"]}
        parties = dict(zip(names, await call_of(running, names, table), strict=True))
        assert (await heard(parties, 1))["listener"] == set()


async def test_a_listener_hears_and_is_not_heard() -> None:
    async with light_exchange() as running:
        names = ["resident", "clerk"]
        parties = dict(zip(names, await call_of(running, names), strict=True))
        listener = await running.join("listener", slots=2, sends=False)
        for party in parties.values():
            running.answer_again(party)
        parties["resident"].speak(1, b"secret")
        parties["clerk"].speak(1, b"answer")
        await listener.until(lambda: {b"secret", b"answer"} <= listener.bodies())
        listener.speak(1, b"cough")
        await listener.echo()
        await parties["clerk"].echo()
        assert b"cough" not in parties["clerk"].bodies() | parties["resident"].bodies()


async def test_calls_do_not_hear_each_other() -> None:
    async with light_exchange() as running:
        here = await running.join("resident")
        there = await running.join("clerk", call=CallId("call-8"))
        here.speak(1, b"secret")
        await here.echo()
        await there.echo()
        assert there.packets == []


async def test_a_place_is_kept_while_others_come_and_go() -> None:
    """A far party that changed its place would need its receiver to look elsewhere."""
    async with light_exchange() as running:
        clerk = await running.join("clerk", slots=2)
        resident = await running.join("resident", slots=2)
        steward = await running.join("steward", slots=2)
        running.node.leave(resident.connection)
        steward.speak(1, b"steward")
        await clerk.until(lambda: b"steward" in clerk.bodies())
        assert len(clerk.received(1, "audio")) == 1
        again = await running.join("resident", slots=2)
        again.speak(1, b"again")
        await clerk.until(lambda: b"again" in clerk.bodies())
        assert len(clerk.received(0, "audio")) == 1


async def test_a_party_that_comes_back_goes_on_under_the_same_ssrcs_for_all_others() -> None:
    async with light_exchange() as running:
        resident, clerk, steward = await call_of(running, ["resident", "clerk", "steward"])
        for far in (clerk, steward):
            resident.speak(40_000 if far is clerk else 40_001, b"before")
            await far.until(lambda far=far: b"before" in far.bodies())  # type: ignore[misc]
        again = await running.join("resident", slots=2)
        again.speak(7, b"after")
        for far in (clerk, steward):
            await far.until(lambda far=far: b"after" in far.bodies())  # type: ignore[misc]
            numbers = [int.from_bytes(p[2:4], "big") for p in far.received(0, "audio")]
            assert numbers == [40_000, 40_001, 40_002]
        assert not any(n.change == "offer" for n in running.news.told)


# Room


async def test_a_seventh_party_is_refused_and_the_six_go_on() -> None:
    async with light_exchange() as running:
        parties = await call_of(running, [f"party-{number}" for number in range(MAX_PARTIES)])
        seventh = running.warm()
        with pytest.raises(TooManyParties):
            running.node.join(seventh.connection, CALL, "seventh", None)
        parties[0].speak(1, b"still here")
        await parties[5].until(lambda: b"still here" in parties[5].bodies())


async def test_a_party_that_comes_back_is_no_seventh() -> None:
    async with light_exchange() as running:
        await call_of(running, [f"party-{number}" for number in range(MAX_PARTIES)])
        await running.join("party-3", slots=5)


async def test_a_third_party_needs_one_more_offer_for_those_who_have_no_room() -> None:
    async with light_exchange() as running:
        resident = await running.join("resident")
        clerk = await running.join("clerk")
        resident.speak(1, b"hello")
        await clerk.until(lambda: b"hello" in clerk.bodies())
        place = clerk.hears(0, "audio")

        steward = await running.join("steward", slots=2)
        assert [len(running.offers(party)) for party in (resident, clerk, steward)] == [1, 1, 0]
        resident.speak(2, b"meanwhile")  # nobody waits for an answer
        await clerk.until(lambda: b"meanwhile" in clerk.bodies())

        for party in (resident, clerk):
            running.answer_again(party)
        assert clerk.offer.count("\r\nm=") == 6
        assert clerk.hears(0, "audio") == place
        steward.speak(1, b"good day")
        for party in (resident, clerk):
            await party.until(lambda party=party: b"good day" in party.bodies())  # type: ignore[misc]
            assert len(party.received(1, "audio")) == 1
        assert [len(running.offers(party)) for party in (resident, clerk, steward)] == [1, 1, 0]


async def test_a_fourth_party_that_comes_while_an_offer_is_open_is_offered_afterwards() -> None:
    async with light_exchange() as running:
        clerk = await running.join("clerk")
        for number in range(3):
            await running.join(f"party-{number}", slots=3)
        assert len(running.offers(clerk)) == 1
        running.answer_again(clerk)
        while clerk.offer != running.offers(clerk)[-1]:
            running.answer_again(clerk)
        assert clerk.offer.count("\r\nm=") == 9
        assert len(running.offers(clerk)) == 2


# Codecs


async def test_a_call_uses_the_first_codec_that_all_have() -> None:
    async with light_exchange() as running:
        clerk = await running.join("clerk", codecs=("VP8", "H264"))
        resident = await running.join("resident", codecs=("H264", "AV1"))
        (offer,) = running.offers(clerk)
        assert "H264" in offer
        assert "VP8" not in offer
        assert running.offers(resident) == []  # H264 is what it sends already
        running.answer_again(clerk)
        clerk.show(1, b"face", codec="H264")
        await resident.until(lambda: b"face" in resident.bodies())
        assert len(running.offers(clerk)) == 1


async def test_a_codec_left_for_one_party_is_found_again_for_the_next() -> None:
    async with light_exchange() as running:
        clerk = await running.join("clerk", codecs=("VP8", "H264"))
        resident = await running.join("resident", codecs=("H264",))
        running.answer_again(clerk)
        running.node.leave(resident.connection)
        if len(running.offers(clerk)) > 1:
            running.answer_again(clerk)
        await running.join("steward", codecs=("VP8",))
        assert "VP8" in running.offers(clerk)[-1]
        assert "H264" not in running.offers(clerk)[-1]


async def test_parties_without_a_common_codec_still_hear_each_other() -> None:
    async with light_exchange() as running:
        clerk = await running.join("clerk", codecs=("VP8",))
        resident = await running.join("resident", codecs=("AV1",))
        clerk.speak(1, b"can you hear me")
        await resident.until(lambda: b"can you hear me" in resident.bodies())
        assert not any(n.change == "offer" for n in running.news.told)


async def test_the_preference_of_the_operator_decides() -> None:
    async with light_exchange(preference=("AV1", "VP8")) as running:
        clerk = await running.join("clerk", codecs=("VP8", "AV1"))
        assert clerk.offer.index("AV1/90000") < clerk.offer.index("VP8/90000")
        await running.join("resident", codecs=("VP8", "AV1"))
        assert running.offers(clerk) == []


async def test_sound_is_made_plain_only_for_who_does_not_read_redundancy() -> None:
    async with light_exchange() as running:
        reads = await running.join("clerk", slots=2)
        plain = await running.join("steward", slots=2, red=False)
        resident = await running.join("resident", slots=2)
        packet = bytearray(red(1, [b"before"], b"now"))
        packet[8:12] = resident.ssrc("audio").to_bytes(4, "big")
        resident.send(bytes(packet))
        await reads.until(lambda: len(reads.packets) == 1)
        await plain.until(lambda: len(plain.packets) == 1)
        assert reads.packets[0][12:].endswith(b"beforenow")
        assert plain.packets[0][12:] == b"now"


# Warm lines


async def test_nothing_of_a_warm_line_reaches_anybody_before_it_joins() -> None:
    async with light_exchange() as running:
        clerk = await running.join("clerk")
        waiting = running.warm()
        await running.connect(waiting)
        for number in range(20):
            waiting.speak(number, b"private")
            waiting.show(number, b"private")
            waiting.tell(rtcp.sender_report(waiting.ssrc("audio"), 1 << 40, 7))
        clerk.speak(1, b"is anybody there")
        await waiting.echo()
        await clerk.echo()
        assert (clerk.packets, clerk.told(rtcp.SENDER_REPORT)) == ([], [])
        assert waiting.packets == []
        assert waiting.told(rtcp.SENDER_REPORT) == []

        running.node.join(waiting.connection, CALL, "resident", None)
        waiting.speak(21, b"hello")
        await clerk.until(lambda: b"hello" in clerk.bodies())
        assert b"private" not in clerk.bodies()


async def test_a_camera_that_flows_before_the_call_is_told_how_it_arrives() -> None:
    """Else a browser would fill a narrow path: nobody told it how much the path carries."""
    async with light_exchange() as running:
        waiting = running.warm()
        await running.connect(waiting)
        waiting.show(1, number=100)
        waiting.show(3, number=102)
        await waiting.until(lambda: waiting.told(*ARRIVALS))
        first = read_feedback(waiting.told(*ARRIVALS)[0])
        assert [number for number, came_s in first if came_s is not None] == [100, 102]
        await waiting.until(lambda: waiting.told(rtcp.RECEIVER_REPORT))
        assert waiting.packets == []


async def test_in_a_call_of_two_only_the_receiver_tells_how_media_arrive() -> None:
    """Another warm line shows when the node has told what it owes."""
    async with light_exchange() as running:
        clerk, waiting, other = await running.join("clerk"), running.warm(), running.warm()
        for party in (waiting, other):
            await running.connect(party)
        waiting.show(1, number=100)
        await waiting.until(lambda: waiting.told(*ARRIVALS))
        running.node.join(waiting.connection, CALL, "resident", None)
        await waiting.echo()
        waiting.compounds.clear()
        for number in range(2, 4):
            waiting.show(number, number=100 + number)
            other.compounds.clear()
            other.show(number, number=number)
            await other.until(lambda: other.told(*ARRIVALS))
        await clerk.until(lambda: len(clerk.received(0, "camera")) == 2)
        assert waiting.told(*ARRIVALS) == []


async def test_a_warm_line_is_told_as_connected_again_when_it_joins() -> None:
    async with light_exchange() as running:
        waiting = running.warm()
        await running.connect(waiting)
        running.node.join(waiting.connection, CALL, "resident", None)
        told = [n for n in running.news.told if n.connection == waiting.connection]
        assert [(n.call, n.party, n.change) for n in told] == [
            ("", "", "connected"),
            (CALL, "resident", "connected"),
        ]


async def test_two_warm_lines_do_not_hear_each_other() -> None:
    async with light_exchange() as running:
        one, other = running.warm(), running.warm()
        for party in (one, other):
            await running.connect(party)
        one.speak(1, b"private")
        await one.echo()
        await other.echo()
        assert other.packets == []


# With real peers


async def test_three_real_peers_see_and_hear_whom_the_table_says() -> None:
    """One each: aiortc sorts a second far picture by its payload type, not by its SSRC."""
    async with exchange() as running:
        running.node.hear(
            CALL, {"resident": ["clerk"], "clerk": ["resident"], "steward": ["clerk"]}
        )
        parties = [await running.join(name) for name in ("resident", "clerk", "steward")]
        await asyncio.gather(*(party.receives(10) for party in parties))
        assert all(c["managed"] for c in running.node.status()["connections"])  # type: ignore[attr-defined]
