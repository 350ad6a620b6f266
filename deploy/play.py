"""What do simulated parties do to a running service? In a process of their own, since they encode.

They take the same HTTP, WebSocket and WebRTC path as any browser.
"""

import asyncio
import contextlib

from clerk_console import simulated
from deploy import demo_world
from kiosk_client import resident
from signaling.client import Api, CommandRefused, HttpRefused, KioskKey

TALK_S = 6.0
MATTER, CITY, CLERK = "YB-01", "330400", "jiaxing1"


async def visit(base: str, code: str) -> str:
    """One resident and one clerk; returns the visit's id."""
    async with Api(base) as at_kiosk, Api(base) as at_desk:
        key = KioskKey()
        await key.enrol(at_kiosk, code)
        clerk = asyncio.create_task(simulated.serve(at_desk, CLERK, demo_world.PASSWORD, visits=1))
        visit_id = await resident.visit(at_kiosk, key, city=CITY, matter=MATTER, talk_s=TALK_S)
        await clerk
        return visit_id


async def clerks(base: str) -> None:
    """The second clerk of every city serves until the process ends."""
    async with contextlib.AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(Api(base)) for _ in demo_world.cities()]
        logins = [f"{slug}2" for slug in _slugs()]
        await asyncio.gather(
            *(
                simulated.serve(api, login, demo_world.PASSWORD, visits=1_000_000)
                for api, login in zip(apis, logins, strict=True)
            )
        )


async def residents(base: str, code: str) -> None:
    """A resident takes a ticket for Songjiang, again after each visit, until the process ends."""
    async with Api(base) as api:
        key = KioskKey()
        await key.enrol(api, code)
        for _ in range(10_000):
            with contextlib.suppress(HttpRefused, CommandRefused, TimeoutError):
                await resident.visit(api, key, city="310117", matter="SB-03", talk_s=600)
            await asyncio.sleep(5)


def _slugs() -> list[str]:
    return [site.id.partition("-")[0] for site in demo_world.sites() if site.id.endswith("-hall")]
