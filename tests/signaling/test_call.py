"""One call and its paths: connections come and go, and it is never un-begun."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.node.relay import Leg
from media.node.sdp import SlotSsrcs
from signaling.call import CLERK, INVITED, PARTIES, Call, CallId, Mode, Party, kept_seats

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def new_call() -> Call:
    return Call(CallId("call-1"), "visit-1", "330400")


def connected(*parties: Party) -> Call:
    """A call in which these parties are connected."""
    call = new_call()
    for party in parties:
        call = call.invited(party, f"{party}-1", "offer").answered(party)
        call = call.connected(party, f"{party}-1", NOW)
    return call


def test_a_new_call_connects_and_does_not_talk() -> None:
    call = new_call()
    assert {path.state for path in call.paths.values()} == {"connecting"}
    assert call.talking_since is None


def test_an_invitation_is_there_until_it_is_answered() -> None:
    call = new_call().invited("clerk", "c1", "the offer")
    assert (call.paths["clerk"].connection, call.paths["clerk"].offer) == ("c1", "the offer")
    answered = call.answered("clerk")
    assert (answered.paths["clerk"].connection, answered.paths["clerk"].offer) == ("c1", None)


@pytest.mark.parametrize("first", PARTIES)
def test_a_call_talks_from_when_both_are_connected(first: Party) -> None:
    second = new_call().far_of(first)
    call = new_call().connected(first, "a", NOW)
    assert call.talking_since is None
    call = call.connected(second, "b", NOW + timedelta(seconds=3))
    assert call.talking_since == NOW + timedelta(seconds=3)


def test_a_replacement_plays_once_it_is_connected() -> None:
    call = connected(*PARTIES).invited("clerk", "clerk-2", "offer 2")
    assert call.paths["clerk"].playing == "clerk-1"
    assert call.paths["clerk"].state == "connected"
    call = call.answered("clerk").connected("clerk", "clerk-2", NOW).closed("clerk", "clerk-1")
    assert call.paths["clerk"].playing == "clerk-2"
    assert call.paths["clerk"].connection == "clerk-2"
    assert call.paths["clerk"].state == "connected"


def test_an_old_connection_that_closes_takes_nothing_from_the_new_one() -> None:
    call = connected(*PARTIES).invited("clerk", "clerk-2", "offer 2").closed("clerk", "clerk-1")
    assert call.paths["clerk"].state == "away"
    assert call.paths["clerk"].connection == "clerk-2"
    assert call.paths["clerk"].offer == "offer 2"
    assert call.connected("clerk", "clerk-2", NOW).paths["clerk"].state == "connected"


def test_a_replacement_that_never_connects_leaves_the_old_one_playing() -> None:
    call = connected(*PARTIES).invited("clerk", "clerk-2", "offer 2").closed("clerk", "clerk-2")
    assert call.paths["clerk"].playing == "clerk-1"
    assert call.paths["clerk"].state == "connected"
    assert call.paths["clerk"].connection is None


def test_silence_of_an_old_connection_says_nothing() -> None:
    call = connected(*PARTIES)
    assert call.heard("clerk", "clerk-0", silent=True) == call
    silent = call.heard("clerk", "clerk-1", silent=True)
    assert silent.paths["clerk"].state == "silent"
    assert silent.paths["resident"].state == "connected"
    assert silent.heard("clerk", "clerk-1", silent=False) == call


def test_a_path_that_is_lost_is_away_and_the_call_goes_on() -> None:
    call = connected(*PARTIES).closed("resident", "resident-1")
    assert call.paths["resident"].state == "away"
    assert call.paths["clerk"].state == "connected"
    assert call.talking_since == NOW


def test_a_moved_call_plays_on_until_the_new_connections_are_there() -> None:
    call = connected(*PARTIES).moved("second").invited("clerk", "clerk-2", "offer 2")
    assert call.host == "second"
    assert [call.paths[party].state for party in PARTIES] == ["connected", "connected"]
    call = call.answered("clerk").connected("clerk", "clerk-2", NOW).closed("clerk", "clerk-1")
    assert call.paths["clerk"].playing == "clerk-2"
    assert call.is_whole


def test_a_call_whose_host_is_lost_has_no_connection_and_knows_since_when() -> None:
    call = connected(*PARTIES).host_lost(NOW).host_lost(NOW + timedelta(seconds=5))
    assert (call.host, call.lost_since, call.talking_since) == ("", NOW, NOW)
    for path in call.paths.values():
        assert (path.state, path.connection, path.offer, path.playing) == ("away", None, None, None)
    assert call.found().lost_since is None


def test_an_offer_for_a_connection_that_was_replaced_is_not_shown() -> None:
    call = connected(*PARTIES).invited("clerk", "clerk-2", "offer 2")
    assert call.offered("clerk", "clerk-1", "old") == call
    assert call.offered("clerk", "clerk-2", "new").paths["clerk"].offer == "new"


MODES = st.dictionaries(
    st.sampled_from([Party(f"guest-{n}") for n in range(4)]),
    st.sampled_from(["party", "listen", "whisper"]),
)


@given(MODES)
def test_who_hears_whom_follows_from_the_modes(modes: dict[Party, Mode]) -> None:
    call = new_call()
    for guest, mode in modes.items():
        call = call.joined(guest, mode)
    table = call.table
    assert table.keys() == call.paths.keys()
    speaking = {*PARTIES, *(guest for guest, mode in modes.items() if mode == "party")}
    whispering = {guest for guest, mode in modes.items() if mode == "whisper"}
    for party, heard in table.items():
        wanted = speaking | whispering if party == CLERK else speaking
        assert set(heard) == wanted - {party}
        assert len(set(heard)) == len(heard)
    for party in PARTIES:  # a page shows the first slot large: it is the other of the two
        assert table[party][0] == call.far_of(party)
    for guest in modes:
        call = call.left(guest)
    assert call.table == new_call().table


CHANGES = (
    ["invited", "warm", "answered", "offered", "connected", "silent", "heard", "closed"],
    ["moved", "host_lost", "found", "sound_only", "picture"],
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([change for row in CHANGES for change in row]),
        st.sampled_from(PARTIES),
        st.sampled_from(["c1", "c2", "c3"]),
    ),
    max_size=40,
)


@given(STEPS)
def test_a_call_begins_to_talk_once_and_is_never_unbegun(
    steps: list[tuple[str, Party, str]],
) -> None:
    call, both_at = new_call(), None
    for number, (step, party, connection) in enumerate(steps):
        at = NOW + timedelta(seconds=number)
        match step:
            case "invited":
                call = call.invited(party, connection, "offer")
            case "warm":
                call = call.invited(party, connection, None)
            case "answered":
                call = call.answered(party)
            case "offered":
                call = call.offered(party, connection, "offer again")
            case "connected":
                call = call.connected(party, connection, at)
            case "silent" | "heard":
                call = call.heard(party, connection, silent=step == "silent")
            case "closed":
                call = call.closed(party, connection)
            case "moved":
                call = call.moved(connection)
            case "host_lost":
                call = call.host_lost(at)
            case "found":
                call = call.found()
            case "sound_only" | "picture":
                call = call.carried(party, connection, sound_only=step == "sound_only")
        if both_at is None and all(path.playing for path in call.paths.values()):
            both_at = at
        assert call.talking_since == both_at
        assert (call.id, call.visit, call.city) == ("call-1", "visit-1", "330400")
        for path in call.paths.values():
            assert (path.state in ("connected", "silent")) == (path.playing is not None)
            assert path.offer is None or path.connection is not None


def test_a_clerk_who_took_over_keeps_the_name_and_the_next_one_gets_another() -> None:
    call = new_call()
    first = call.next_invited()
    call = call.joined(first, "party")
    assert (call.consulted, call.keeps(first), call.keeps(Party("supervisor"))) == (
        first,
        True,
        False,
    )
    call = call.handed_over(first)
    assert (call.clerk, call.consulted) == (first, None)
    second = call.next_invited()
    assert second != first
    call = call.joined(second, "party")
    assert call.consulted == second
    assert call.handed_over(second).next_invited() == first


def test_on_hold_the_clerks_are_alone_also_with_a_supervisor_who_joined_before() -> None:
    call = new_call().joined(Party("supervisor"), "party").joined(INVITED, "party")
    assert call.table["resident"] == ["clerk", "supervisor", "invited_clerk"]
    held = call.held(on_hold=True)
    assert held.table["resident"] == []
    assert all("resident" not in heard for heard in held.table.values())
    over = held.handed_over(INVITED)
    assert over.table["resident"] == ["invited_clerk", "supervisor"]  # who serves comes first


TABLES = st.lists(
    st.permutations(["a", "b", "c", "d"]).flatmap(
        lambda names: st.integers(0, 4).map(lambda n: names[:n])
    ),
    min_size=1,
    max_size=6,
)


@given(TABLES)
def test_slots_are_in_the_order_of_the_table_whatever_came_before(heard: list[list[str]]) -> None:
    leg = Leg([SlotSsrcs(*range(n * 5, n * 5 + 5)) for n in range(4)], lambda packet: None)
    before: list[str] = []
    for after in heard:
        kept = kept_seats({"me": before}, {"me": after})
        if kept is not None:
            leg.seat(kept["me"])
        leg.seat(after)
        assert leg.place_of == {far: place for place, far in enumerate(after)}
        before = after
