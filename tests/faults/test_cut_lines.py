"""Lines that are cut at the worst moment leave the database free for everybody else."""

import asyncio
from pathlib import Path

import msgspec

from deploy import demo_world
from signaling import protocol
from signaling.client import Api, LineClient
from signaling.protocol import ClerkState
from tests.support.service import ServiceProcess

CUTS = 20
LONGEST_MS = 12  # a command and the state after it take about this long


async def cut_lines(service: ServiceProcess, login: str) -> None:
    """Open lines, ask for something, and drop them at ever later moments of its execution."""
    async with Api(service.url) as api:
        await api.sign_in(login, demo_world.PASSWORD)
        for cut in range(CUTS):
            ticket = (await api.call("POST", "/api/line-tickets"))["ticket"]
            socket = await api.socket()
            hello = protocol.Hello(ticket, [protocol.VERSION])
            await socket.send_str(msgspec.json.encode(hello).decode())
            await socket.receive()
            step = "take_break" if cut % 2 else "be_ready"
            command = protocol.SetWindow(id=f"cut-{cut}", step=step)
            await socket.send_str(msgspec.json.encode(command).decode())
            await asyncio.sleep(LONGEST_MS / 1000 * cut / CUTS)
            await socket.close(code=1001)


async def test_cut_lines_leave_the_database_free(tmp_path: Path) -> None:
    async with ServiceProcess(tmp_path / "data") as service:
        logins = ("jiaxing1", "jiaxing2", "hefei1", "hefei2")
        await asyncio.gather(*(cut_lines(service, login) for login in logins))
        async with Api(service.url) as api:
            await api.sign_in("wuhu1", demo_world.PASSWORD)
            line = await LineClient.open(api, ClerkState)
            await line.command(protocol.SetWindow, step="be_ready")
            await line.until(lambda s: s.window.state == "ready")
            await line.close()
        assert "locked" not in service.log()
        assert "Traceback" not in service.log()
