"""What would a clerk do at the desk? The simulated clerk, for the demo and load."""

import asyncio
import contextlib

from scheduling import window
from signaling import protocol
from signaling.client import Api, CommandRefused, LineClient
from signaling.headless import CLERK, take_offer, tell_first_picture
from signaling.protocol import ClerkState, VisitView

_LOOK_S = 1.0


async def serve(api: Api, login: str, password: str, *, visits: int) -> None:
    """Sign in, be ready, serve this many visits, go off duty. Raises HttpRefused, TimeoutError."""
    await api.sign_in(login, password)
    line = await LineClient.open(api, ClerkState)
    try:
        if line.state.window.state in (window.State.OFF, window.State.BREAK, window.State.MISSED):
            await line.command(protocol.SetWindow, step="be_ready")
        for _ in range(visits):
            await _serve_one(line)
        await line.command(protocol.SetWindow, step="go_off")
    finally:
        await line.close()


async def _serve_one(line: LineClient[ClerkState]) -> None:
    offered = await line.until(lambda s: s.visit is not None, timeout_s=86_400)
    assert offered.visit is not None
    visit = offered.visit
    await asyncio.sleep(_LOOK_S)  # a person looks before accepting
    try:
        await line.command(protocol.Accept, visit=visit.id)
    except CommandRefused:  # the resident left while the clerk looked
        await line.until(lambda s: s.visit is None or s.visit.id != visit.id)
        return
    async with contextlib.AsyncExitStack() as stack:
        # A resident without a camera, or one who ends at once, is served all the same.
        with contextlib.suppress(TimeoutError, CommandRefused):
            peer = await take_offer(line, CLERK)
            stack.push_async_callback(peer.close)
            await tell_first_picture(line, peer)
        await _talk(line, visit)
    await line.command(protocol.CloseVisit, visit=visit.id, outcome="completed", ready=True)


async def _talk(line: LineClient[ClerkState], visit: VisitView) -> None:
    seen = [material.name for material in visit.matter.materials if material.required]
    await line.command(protocol.KeepCase, visit=visit.id, notes="模拟办理:材料齐全。", checked=seen)
    await line.until(lambda s: s.call is None, timeout_s=86_400)
