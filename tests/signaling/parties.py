"""Builders: residents and clerks at the real service, and lines that can say anything."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from msgspec import inspect

from deploy.demo_world import PASSWORD
from signaling import protocol
from signaling.client import Api, CommandRefused, KioskKey, LineClient
from signaling.protocol import ClerkState, KioskState, VisitView
from tests.support.service import ServiceProcess

ANSWER_DEADLINE_S = 15.0


@dataclass
class Resident:
    """A kiosk with an open line."""

    api: Api
    key: KioskKey
    line: LineClient[KioskState]

    async def take(self, city: str, matter: str = "YB-01") -> VisitView:
        """Take a ticket; the visit as the kiosk shows it."""
        await self.line.command(
            protocol.TakeTicket,
            matter=matter,
            city=city,
            language="zh_CN",
            notice_version="2026-11",
        )
        state = await self.line.until(lambda s: s.visit is not None)
        assert state.visit is not None
        return state.visit

    async def state_of_visit(self, wanted: str) -> VisitView:
        """Wait until the visit is in this state."""
        state = await self.line.until(lambda s: s.visit is not None and s.visit.state == wanted)
        assert state.visit is not None
        return state.visit


@dataclass
class Clerk:
    """A clerk with an open line."""

    login: str
    api: Api
    line: LineClient[ClerkState]

    async def step(self, step: str) -> None:
        await self.line.command(protocol.SetWindow, step=step)

    async def window(self, wanted: str) -> ClerkState:
        """Wait until the window is in this state."""
        return await self.line.until(lambda s: s.window.state == wanted)

    async def rung(self) -> VisitView:
        """Wait until a visit rings here."""
        state = await self.window("offered")
        assert state.visit is not None
        return state.visit


@contextlib.asynccontextmanager
async def resident(service: ServiceProcess) -> AsyncIterator[Resident]:
    """A newly enrolled kiosk. Without its line it is offered to nobody any more."""
    async with Api(service.url) as api:
        key = await service.enrolled_kiosk(api)
        line = await LineClient.open(api, KioskState)
        try:
            yield Resident(api, key, line)
        finally:
            await line.close()


@contextlib.asynccontextmanager
async def clerk(service: ServiceProcess, login: str) -> AsyncIterator[Clerk]:
    """A clerk, off duty again at the end if the window lets them."""
    async with Api(service.url) as api:
        await api.sign_in(login, PASSWORD)
        line = await LineClient.open(api, ClerkState)
        try:
            yield Clerk(login, api, line)
        finally:
            with contextlib.suppress(CommandRefused, ConnectionError):
                await line.command(protocol.SetWindow, step="go_off")
            await line.close()


@contextlib.asynccontextmanager
async def person(service: ServiceProcess, login: str) -> AsyncIterator[Api]:
    """Somebody signed in, without a line."""
    async with Api(service.url) as api:
        await api.sign_in(login, PASSWORD)
        yield api


async def accepted(at_kiosk: Resident, at_desk: Clerk, city: str) -> VisitView:
    """A visit in its call; no media yet."""
    await at_desk.step("be_ready")
    await at_kiosk.take(city)
    ringing = await at_desk.rung()
    await at_desk.line.command(protocol.Accept, visit=ringing.id)
    await at_kiosk.line.until(lambda s: s.call is not None and s.connection is not None)
    await at_desk.line.until(lambda s: s.call is not None and s.connection is not None)
    return ringing


async def finish(at_kiosk: Resident, at_desk: Clerk, visit: str) -> None:
    """End, close and wipe; the clerk is on a break."""
    await at_kiosk.line.command(protocol.EndCall, visit=visit)
    await at_desk.line.command(protocol.CloseVisit, visit=visit, outcome="completed", ready=False)
    await at_kiosk.line.command(protocol.Wipe, visit=visit)


# Lines that can say anything


async def ticket(api: Api) -> str:
    return str((await api.call("POST", "/api/line-tickets"))["ticket"])


class RawLine:
    """A socket after hello, on which any text can be sent."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, text: str) -> dict[str, Any]:
        """Send a text; the next answer to anything."""
        await self.socket.send_str(text)
        return await self.answer()

    async def command(self, kind: str, **fields: Any) -> dict[str, Any]:
        return await self.say(json.dumps({"type": kind, "id": str(uuid.uuid4()), **fields}))

    async def answer(self) -> dict[str, Any]:
        """The next `done` or `refused`; states are passed over."""
        while True:
            message = await self.socket.receive(ANSWER_DEADLINE_S)
            assert message.type is aiohttp.WSMsgType.TEXT, (message, self.socket.close_code)
            said = json.loads(message.data)
            if said["type"] in ("done", "refused"):
                return dict(said)

    async def closed_with(self) -> int | None:
        """Wait until the server closes; the code in its close frame."""
        async with asyncio.timeout(ANSWER_DEADLINE_S):
            while True:
                message = await self.socket.receive()
                if message.type is aiohttp.WSMsgType.CLOSE:
                    return int(message.data)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return self.socket.close_code


async def hello(api: Api, **changes: Any) -> tuple[RawLine, dict[str, Any]]:
    """Say hello with a fresh ticket; the line and the first answer."""
    socket = await api.socket()
    message = {"type": "hello", "ticket": await ticket(api), "versions": [protocol.VERSION]}
    await socket.send_str(json.dumps({**message, **changes}))
    return RawLine(socket), json.loads((await socket.receive(ANSWER_DEADLINE_S)).data)


@contextlib.asynccontextmanager
async def raw_line(api: Api) -> AsyncIterator[RawLine]:
    """A line on which hello was said."""
    line, welcome = await hello(api)
    assert welcome["type"] == "welcome"
    try:
        yield line
    finally:
        await line.socket.close()


def sample(command: type[protocol.Command], **given: Any) -> dict[str, Any]:
    """A valid message of this type, with these fields where it has them."""
    described = inspect.type_info(command)
    assert isinstance(described, inspect.StructType)
    message: dict[str, Any] = {"type": str(described.tag)}
    for field in described.fields:
        message[field.name] = given.get(field.name, _value(field.type))
    if "id" not in given:
        message["id"] = str(uuid.uuid4())
    return message


def sample_body(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """A valid body of this type for the HTTP interface."""
    return dict(_value(inspect.type_info(struct)))


def _value(kind: inspect.Type) -> Any:
    match kind:
        case inspect.Metadata():
            return _value(kind.type)
        case inspect.LiteralType():
            return sorted(kind.values, key=str)[0]
        case inspect.StrType():
            return "x"
        case inspect.IntType():
            return 3
        case inspect.FloatType():
            return 0.5
        case inspect.BoolType():
            return True
        case inspect.DateType():
            return "2026-11-30"
        case inspect.DateTimeType():
            return "2026-11-30T09:00:00+08:00"
        case inspect.ListType():
            return []
        case inspect.UnionType():
            return _value(kind.types[0])
        case inspect.StructType():
            tag = {kind.tag_field: kind.tag} if kind.tag_field else {}
            return tag | {field.name: _value(field.type) for field in kind.fields}
        case _:
            raise TypeError(f"no sample for {kind}")
