"""Who sits in which slot of one call's connections."""

from media.node.call import Call, CallId
from media.node.connection import Connection
from media.node.secure import Certificate

TABLE = {
    "resident": ["clerk"],
    "clerk": ["resident"],
    "supervisor": ["resident", "clerk"],
}


def playing(call: Call, party: str, slots: int = 1) -> Connection:
    """This party's connection in the call, as if it had just connected."""
    connection = Connection(Certificate().context(), slots, hot=False)
    call.admit(connection, party)
    call.playing[party] = connection
    call.wire(0.0)
    return connection


def test_a_listener_knows_by_the_slot_whom_it_sees_also_when_one_comes_later() -> None:
    call = Call(CallId("call"), table=TABLE)
    playing(call, "clerk")
    supervisor = playing(call, "supervisor", slots=2)
    assert supervisor.leg.place_of == {"resident": 0, "clerk": 1}
    playing(call, "resident")
    assert supervisor.leg.place_of == {"resident": 0, "clerk": 1}


def test_a_party_that_is_away_finds_its_slot_free_when_it_comes_back() -> None:
    call = Call(CallId("call"), table=TABLE)
    playing(call, "resident")
    clerk = playing(call, "clerk")
    del call.playing["resident"]
    whispered = {**TABLE, "clerk": ["resident", "supervisor"]}
    call.table = whispered
    playing(call, "supervisor", slots=2)
    assert clerk.leg.place_of == {"resident": 0, "supervisor": 1}
    assert len(clerk.slots) == 2
