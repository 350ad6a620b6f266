"""Who has a line elsewhere: what other processes say, what is missed, and when they are silent."""

from hypothesis import given
from hypothesis import strategies as st

from signaling.access import Identity, Role
from signaling.between import Member
from signaling.presence import GRACE_S, SILENT_S, Presence


def member(client: str, entered_s: float = 0.0) -> Member:
    return Member(Identity(client, Role.CLERK, "330400"), entered_s)


def ids(at: Presence) -> set[str]:
    return {who.id for who in at.all()}


def presence(up_at_s: float = 0.0) -> Presence:
    made = Presence()
    made.link(True, up_at_s)
    return made


def test_clients_come_and_go_elsewhere() -> None:
    at = presence()
    at.members("a", 0, [], 0)
    assert not at.entered("a", 1, member("c1"), 1)
    assert not at.entered("a", 2, member("c2"), 2)
    assert ids(at) == {"c1", "c2"}
    missed, lost = at.left("a", 3, "c1", 3)
    assert not missed
    assert [(gone.who.id, gone.since_s) for gone in lost] == [("c1", 3)]
    assert ids(at) == {"c2"}


def test_a_gap_in_what_a_process_says_is_noticed_and_the_whole_closes_it() -> None:
    at = presence()
    assert at.beat("a", 4, 0), "nothing is known of this one"
    at.members("a", 4, [member("c1")], 0)
    assert not at.beat("a", 4, 1)
    assert at.entered("a", 6, member("c3"), 2), "number 5 was missed"
    assert at.beat("a", 6, 3)
    lost = at.members("a", 6, [member("c2"), member("c3")], 4)
    assert [gone.who.id for gone in lost] == ["c1"]
    assert ids(at) == {"c2", "c3"}
    assert not at.beat("a", 6, 5)


def test_what_comes_late_changes_nothing() -> None:
    at = presence()
    at.members("a", 5, [member("c1")], 0)
    assert not at.entered("a", 3, member("c2"), 1)
    assert at.left("a", 4, "c1", 1) == (False, [])
    assert at.members("a", 2, [], 1) == []
    assert ids(at) == {"c1"}


def test_a_client_with_lines_at_two_processes_is_lost_with_the_last() -> None:
    at = presence()
    at.members("a", 0, [member("c1", 10)], 0)
    at.members("b", 0, [member("c1", 20)], 0)
    newest = at.find("c1")
    assert newest is not None
    assert newest.entered_s == 20
    assert at.gone("b", 1) == []
    assert [gone.who.id for gone in at.gone("a", 2)] == ["c1"]
    assert at.find("c1") is None


def test_a_silent_process_has_lost_its_clients_since_it_was_heard_last() -> None:
    at = presence()
    at.members("a", 0, [member("c1")], 20)
    assert at.silent(20 + SILENT_S) == []
    (lost,) = at.silent(20.1 + SILENT_S)
    assert (lost.who.id, lost.since_s) == ("c1", 20)
    assert ids(at) == set()


def test_nobody_is_lost_while_nobody_can_be_heard_and_a_while_after() -> None:
    at = presence()
    at.members("a", 0, [member("c1")], 0)
    at.link(False, 1)
    assert at.silent(1000) == []
    at.link(True, 1000)
    assert at.silent(1000 + GRACE_S) == []
    assert ids(at) == {"c1"}
    assert [gone.who.id for gone in at.silent(1000.1 + GRACE_S)] == ["c1"]


def test_a_process_that_is_heard_again_is_asked_for_all_of_it() -> None:
    at = presence()
    at.members("a", 7, [member("c1")], 0)
    at.silent(100)
    assert at.beat("a", 7, 101)


STEPS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["c1", "c2", "c3"]), st.booleans()),
    max_size=30,
)


@given(steps=STEPS, heard=st.lists(st.booleans(), min_size=30, max_size=30))
def test_whatever_is_missed_the_next_beat_and_its_answer_make_it_true(
    steps: list[tuple[str, str, bool]], heard: list[bool]
) -> None:
    at = presence()
    truth: dict[str, dict[str, Member]] = {"a": {}, "b": {}}
    numbers = {"a": 0, "b": 0}
    for (process, client, comes), is_heard in zip(steps, heard, strict=False):
        numbers[process] += 1
        if comes:
            truth[process][client] = member(client)
            if is_heard:
                at.entered(process, numbers[process], member(client), 1)
        else:
            truth[process].pop(client, None)
            if is_heard:
                at.left(process, numbers[process], client, 1)
    for process, members in truth.items():
        if at.beat(process, numbers[process], 2):
            at.members(process, numbers[process], members.values(), 2)
    assert ids(at) == {client for members in truth.values() for client in members}
