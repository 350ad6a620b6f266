"""What does `make demo` show? The service with its demo world, and one whole visit step by step.

The service runs in this process; the simulated parties, who encode and decode, in one of their
own, over the same HTTP, WebSocket and WebRTC path as any browser.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from deploy import demo_world
from deploy.assembly import Service
from deploy.settings import Settings
from media.records.manifest import Finding, Segment
from signaling.client import Api

VISIT_DEADLINE_S = 90.0
_STEPS = {
    "ticket_taken": "ticket taken",
    "offer": "offered to a clerk in Jiaxing",
    "accept": "accepted",
    "resident_sees_clerk": "first picture of the clerk at the kiosk",
    "clerk_sees_resident": "first picture of the resident at the clerk's",
    "end": "call ended",
    "rated": "rated by the resident",
    "close": "record closed by the clerk",
    "verified": "recording verified",
}


class Step(msgspec.Struct):
    """Something that happened, in seconds since the ticket was taken."""

    event: str
    at_s: float


class Outcome(msgspec.Struct):
    """What one simulated visit gave."""

    timeline: list[Step]
    recordings: list[str]
    verified: bool


class Report(msgspec.Struct):
    """What the offline check said of the recording."""

    verified: bool
    segments: list[Segment]
    findings: list[Finding]


class DemoFailed(RuntimeError):  # noqa: N818
    """The simulated visit did not come to its end; the text says where."""


async def run(
    settings: Settings, *, once: bool, as_json: bool, with_clerk: bool, with_resident: bool
) -> int:
    """The demo; returns the exit code."""
    code = await demo_world.load(settings)
    service = Service(settings)
    try:
        await service.start()
        base = f"http://localhost:{settings.port}"
        if not as_json:
            print(f"Service ready at {base}. One simulated visit:\n", flush=True)
        outcome = await _simulated_visit(settings, base, code, show=not as_json)
        if as_json:
            print(msgspec.json.encode(outcome).decode(), flush=True)
        if once:
            return 0 if outcome.verified else 1
        await _keep_serving(settings, base, with_clerk=with_clerk, with_resident=with_resident)
    finally:
        await service.stop()
    return 0


async def _simulated_visit(settings: Settings, base: str, code: str, *, show: bool) -> Outcome:
    output = await _command("play", "visit", "--url", base, "--code", code)
    visit_id = msgspec.json.decode(output)["visit"]
    async with Api(base) as api:
        await api.sign_in("songjiang-supervisor", demo_world.PASSWORD)
        record = await _sealed_record(api, visit_id)
    events = [(e["event"], datetime.fromisoformat(e["at"])) for e in record["events"]]
    start = events[0][1]
    steps = [Step(name, round((at - start).total_seconds(), 3)) for name, at in events]
    folder = next(settings.recordings.glob(f"*/*/{visit_id}"))
    report = msgspec.json.decode(
        await _command("verify", "--json", str(folder)), type=list[Report]
    )[0]
    if report.verified:
        now = datetime.now(start.tzinfo)
        steps.append(Step("verified", round((now - start).total_seconds(), 3)))
    if show:
        for step in steps:
            print(f"  {step.at_s:7.2f} s  {_STEPS.get(step.event, step.event)}", flush=True)
        for finding in report.findings:
            print(f"  NOT VERIFIED: {finding.file} {finding.problem}", flush=True)
    paths = [str((folder / segment.file).resolve()) for segment in report.segments]
    return Outcome(steps, paths, report.verified)


async def _sealed_record(api: Api, visit_id: str) -> Any:
    """The visit's record once no file is being written any more. Raises DemoFailed."""
    for _ in range(50):
        record = await api.call("GET", f"/api/visits/{visit_id}")
        if record["segments"] and all(s["state"] != "recording" for s in record["segments"]):
            return record
        await asyncio.sleep(0.2)
    raise DemoFailed("the recording was not sealed within 10 s of the visit's end")


async def _keep_serving(
    settings: Settings, base: str, *, with_clerk: bool, with_resident: bool
) -> None:
    codes = [await _new_code(settings) for _ in range(2)]
    print(_addresses(settings, base, codes[0]), flush=True)
    parties = []
    if with_clerk:
        parties.append(await _spawn("play", "clerks", "--url", base))
        print("A simulated clerk is ready in every city.", flush=True)
    if with_resident:
        parties.append(await _spawn("play", "resident", "--url", base, "--code", codes[1]))
        print("A simulated resident takes tickets for Songjiang.", flush=True)
    try:
        await _interrupted()
    finally:
        for party in parties:
            if party.returncode is None:
                party.terminate()
        await asyncio.gather(*(party.wait() for party in parties))


async def _new_code(settings: Settings) -> str:
    """A fresh enrolment code, asked for as the admin would."""
    async with Api(f"http://localhost:{settings.port}") as api:
        await api.sign_in("songjiang-admin", demo_world.PASSWORD)
        body = {"site": demo_world.KIOSK_SITE}
        return str((await api.call("POST", "/api/enrolment-codes", body))["code"])


def _addresses(settings: Settings, base: str, code: str) -> str:
    return f"""
Now try it yourself (Ctrl-C ends the service):
  resident    {base}/kiosk       enrol this browser with the code {code}
  clerk       {base}/clerk       songjiang1, jiaxing1, hangzhou1, …
  supervisor  {base}/supervisor  songjiang-supervisor (sees all cities), jiaxing-supervisor, …
  admin       {base}/admin       songjiang-admin (more enrolment codes)
  password for every account: {demo_world.PASSWORD}
  recordings: {settings.recordings.resolve()}
"""


async def _command(*arguments: str) -> bytes:
    """What a command of ours prints, run in a process of its own. Raises DemoFailed."""
    process = await _spawn(*arguments, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(VISIT_DEADLINE_S):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise DemoFailed(f"{arguments[0]} took longer than {VISIT_DEADLINE_S:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise DemoFailed(f"{' '.join(arguments[:2])} ended with {process.returncode}")
    return output


async def _spawn(*arguments: str, stdout: int | None = None) -> asyncio.subprocess.Process:
    """Start a command of ours, in a session of its own so that Ctrl-C reaches only this one."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.cli", *arguments, stdout=stdout, start_new_session=True
    )


async def _interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    print("\nEnding …", flush=True)


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """A service with the demo world, for tests and benchmarks; yields an enrolment code."""
    code = await demo_world.load(settings)
    service = Service(settings)
    await service.start()
    try:
        yield code
    finally:
        await service.stop()


def demo_settings(settings: Settings, data: Path) -> Settings:
    """The same with the demo's own data folder."""
    return replace(settings, data=data)
