"""A command, its audit line and its answer are one: all are there, or none, and once."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa

from scheduling.rows import Conflict
from scheduling.tables import visits
from scheduling.visit import ClerkId
from scheduling.window import Event, State
from signaling.access import Identity, Role
from signaling.audit import Audit
from signaling.ledger import Entry, Ledger, Repeated
from signaling.protocol import Done, Refused
from signaling.tables import audit_log
from tests.scheduling.office import CLERK, JIAXING, KIOSK, OTHER_CLERK, Office, office
from tests.support.worlds import World

AT_KIOSK = Identity(KIOSK, Role.KIOSK, JIAXING)


@pytest_asyncio.fixture
async def at(world: World) -> AsyncIterator[Office]:
    """An office where nobody is yet."""
    async with office(world) as opened:
        yield opened


def entry(command: str = "", action: str = "take_ticket") -> Entry:
    made = command or str(uuid.uuid4())
    return Entry(AT_KIOSK, made, action, KIOSK, Done(made))


async def audited(at: Office) -> list[str]:
    """What the audit log says of the kiosk."""
    return [line.action for line in await Audit(at.engine).about(KIOSK)]


async def test_the_effect_its_audit_line_and_its_answer_are_committed_together(at: Office) -> None:
    ledger, given = Ledger(at.engine), entry()
    async with ledger.under_way(given):
        await at.take()
    assert given.is_written
    assert await ledger.answer(KIOSK, given.command) == Done(given.command)
    assert await audited(at) == ["take_ticket"]
    assert len(await at.board.in_line()) == 1


async def test_what_fails_leaves_neither_line_nor_answer(at: Office) -> None:
    await at.take()
    ledger, given = Ledger(at.engine), entry()
    with pytest.raises(Conflict):
        async with ledger.under_way(given):
            await at.take()
    assert not given.is_written
    assert await ledger.answer(KIOSK, given.command) is None
    assert await audited(at) == []


async def test_only_the_first_transaction_of_a_command_is_noted(at: Office) -> None:
    ledger, given = Ledger(at.engine), entry()
    async with ledger.under_way(given):
        await at.take()
        await at.ready()
    await at.ready(OTHER_CLERK)
    assert await audited(at) == ["take_ticket"]


async def test_a_command_given_again_is_undone_as_a_whole(at: Office) -> None:
    ledger, given = Ledger(at.engine), entry()
    async with ledger.under_way(given):
        await at.take()
    with pytest.raises(Repeated):
        async with Ledger(at.engine).under_way(entry(given.command)):
            await at.ready()
    assert await at.window_of(CLERK) is State.OFF
    assert await audited(at) == ["take_ticket"]
    assert await ledger.answer(KIOSK, given.command) == Done(given.command)


async def test_of_one_command_given_many_times_at_once_one_is_carried_out(at: Office) -> None:
    ledger, command = Ledger(at.engine), str(uuid.uuid4())
    clerks = [ClerkId(name) for name in ("jiaxing1", "jiaxing2", "hangzhou1", "hangzhou2")]

    async def give(clerk: ClerkId) -> None:
        async with ledger.under_way(entry(command)):
            await at.desk.set_window(clerk, Event.BE_READY, at.later())

    done = await asyncio.gather(*map(give, clerks), return_exceptions=True)
    assert sorted(isinstance(error, Repeated) for error in done) == [False, True, True, True]
    states = [await at.window_of(clerk) for clerk in clerks]
    assert sorted(states) == [State.OFF, State.OFF, State.OFF, State.READY]
    assert await audited(at) == ["take_ticket"]


async def test_an_answer_without_an_effect_is_kept_too_and_the_first_one_counts(
    at: Office,
) -> None:
    ledger, given = Ledger(at.engine), entry(action="")
    given.answer = Refused(given.command, "conflict", "too late")
    await ledger.keep(given)
    assert await Ledger(at.engine).answer(KIOSK, given.command) == given.answer
    with pytest.raises(Repeated):
        await ledger.keep(entry(given.command))
    assert await audited(at) == []


async def test_what_is_read_meanwhile_notes_nothing(at: Office) -> None:
    ledger, given = Ledger(at.engine), entry()
    async with ledger.under_way(given):
        await at.board.in_line()
    assert not given.is_written
    async with at.engine.connect() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(audit_log)) == 0
        assert await connection.scalar(sa.select(sa.func.count()).select_from(visits)) == 0
