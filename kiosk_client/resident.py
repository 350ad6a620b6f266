"""What would a resident do at the kiosk? The headless resident, for the demo and load."""

import asyncio

from signaling import protocol
from signaling.client import Api, KioskKey, LineClient
from signaling.headless import RESIDENT, join_call
from signaling.protocol import KioskState

NOTICE_VERSION = "2026-11"


async def visit(
    api: Api, key: KioskKey, *, city: str, matter: str, talk_s: float, wait_s: float = 3600
) -> str:
    """One whole visit from the welcome screen to the wipe; returns its id.

    The resident ends the call after `talk_s` if the clerk has not. `key` is enrolled.
    Raises CommandRefused, TimeoutError.
    """
    await key.authenticate(api)
    line = await LineClient.open(api, KioskState)
    try:
        await line.command(
            protocol.TakeTicket,
            matter=matter,
            city=city,
            language="zh_CN",
            notice_version=NOTICE_VERSION,
        )
        waiting = await line.until(lambda s: s.visit is not None)
        assert waiting.visit is not None
        visit_id = waiting.visit.id
        await line.until(lambda s: s.call is not None, wait_s)
        peer = await join_call(line, RESIDENT)
        try:
            await asyncio.wait_for(line.until(lambda s: s.call is None, wait_s), talk_s)
        except TimeoutError:
            await line.command(protocol.EndCall, visit=visit_id)
        await peer.close()
        await line.command(protocol.Rate, visit=visit_id, rating=5)
        await line.command(protocol.Wipe, visit=visit_id)
        return visit_id
    finally:
        await line.close()
