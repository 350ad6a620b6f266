"""A visit under way in two browsers, as the starting point of what a test is about."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page

from tests.support.browser import (
    CLERK_SIZE,
    KIOSK_SIZE,
    be_ready,
    browsing,
    context_of,
    open_clerk,
    open_kiosk,
    sees_far,
    take_ticket,
)
from tests.support.likeness import CLERK, RESIDENT
from tests.support.service import ServiceProcess


@dataclass(frozen=True)
class RunningVisit:
    """Both pages in a call."""

    service: ServiceProcess
    kiosk: Page
    clerk: Page
    ticket: str

    @property
    def folder(self) -> Path:
        return next((self.service.settings.recordings / "330400").glob("*/*"))


@contextlib.asynccontextmanager
async def visit_in_call(tmp_path: Path) -> AsyncIterator[RunningVisit]:
    """A resident from Songjiang talks with a clerk of Jiaxing, both see each other."""
    async with (
        ServiceProcess(tmp_path / "data") as service,
        visit_between(tmp_path, service, service) as visit,
    ):
        yield visit


@contextlib.asynccontextmanager
async def visit_between(
    tmp_path: Path, kiosks: ServiceProcess, clerks: ServiceProcess, url: str = ""
) -> AsyncIterator[RunningVisit]:
    """The same with a process for each, or behind a balancer at `url`."""
    async with browsing(tmp_path, RESIDENT, CLERK) as (at_kiosk, at_desk):
        kiosk = await open_kiosk(
            await context_of(at_kiosk, KIOSK_SIZE),
            url or kiosks.url,
            await kiosks.enrolment_code(),
        )
        clerk = await open_clerk(
            await context_of(at_desk, CLERK_SIZE), url or clerks.url, "jiaxing1"
        )
        await be_ready(clerk)
        ticket = await take_ticket(kiosk, "异地就医", "YB-01", "330400")
        await clerk.click("#accept")
        await asyncio.gather(sees_far(kiosk), sees_far(clerk))
        yield RunningVisit(clerks, kiosk, clerk, ticket)
