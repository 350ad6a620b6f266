"""A hang-up that comes late ends the call it was meant for, or none."""

from pathlib import Path

import pytest

from signaling import protocol
from signaling.client import CommandRefused
from tests.signaling.parties import accepted, clerk, finish, resident
from tests.support.service import ServiceProcess

WUHU = "340200"


async def test_a_late_hang_up_of_one_visit_cannot_end_the_next(tmp_path: Path) -> None:
    async with (
        ServiceProcess(tmp_path / "data") as service,
        resident(service) as at_kiosk,
        clerk(service, "wuhu1") as at_desk,
    ):
        first = await accepted(at_kiosk, at_desk, WUHU)
        await finish(at_kiosk, at_desk, first.id)
        second = await accepted(at_kiosk, at_desk, WUHU)
        for party in (at_kiosk, at_desk):
            with pytest.raises(CommandRefused) as refused:
                await party.line.command(protocol.EndCall, visit=first.id)
            assert refused.value.code in ("not_found", "conflict")
        visit = at_kiosk.line.state.visit
        assert visit is not None
        assert (visit.id, visit.state) == (second.id, "serving")
