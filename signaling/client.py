"""How does a Python program take part? HTTP and line client for headless parties and tests.

The same contract as the pages: prove who you are, hello with a ticket, show the state, command.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

import aiohttp
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from signaling import protocol
from signaling.protocol import ClerkState, ClientState, Done, KioskState, Refused

S = TypeVar("S", KioskState, ClerkState)
_decoder = msgspec.json.Decoder(protocol.ServerMessage)


class CommandRefused(Exception):  # noqa: N818
    """The server refused a command; `code` is the protocol's."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.code}: {refused.message}")
        self.code = refused.code


class HttpRefused(Exception):  # noqa: N818
    """The interface answered with a problem."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status} {detail}")
        self.status = status


class Api:
    """The HTTP interface as one client uses it."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.token = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._http.close()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """JSON in, JSON out. Raises HttpRefused."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self._http.request(
            method,
            self.base + path,
            headers=headers,
            data=None if body is None else msgspec.json.encode(body),
        ) as response:
            answer = msgspec.json.decode(await response.read())
            if response.status >= 400:
                raise HttpRefused(response.status, answer.get("detail", ""))
            return answer

    async def sign_in(self, login: str, password: str) -> None:
        """As a person."""
        answer = await self.call("POST", "/api/sessions", {"login": login, "password": password})
        self.token = answer["access_token"]

    async def socket(self) -> aiohttp.ClientWebSocketResponse:
        """A line that has said nothing yet."""
        return await self._http.ws_connect(self.base + "/line", max_msg_size=0)


class KioskKey:
    """A device's key pair and, once enrolled, its id."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self.kiosk = ""

    async def enrol(self, api: Api, code: str) -> None:
        """Register the public half. Raises HttpRefused."""
        jwk = ECAlgorithm.to_jwk(self._private.public_key(), as_dict=True)
        answer = await api.call("POST", "/api/kiosks", {"code": code, "public_key": jwk})
        self.kiosk = answer["id"]

    def assertion(self) -> str:
        """A fresh signed assertion."""
        now = int(time.time())
        claims = {
            "iss": self.kiosk,
            "sub": self.kiosk,
            "aud": "kiosk-token",
            "typ": "assertion",
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 60,
        }
        return jwt.encode(claims, self._private, algorithm="ES256")

    async def authenticate(self, api: Api) -> None:
        """Get an access token. Raises HttpRefused."""
        answer = await api.call("POST", "/api/kiosks/token", {"assertion": self.assertion()})
        api.token = answer["access_token"]


class LineClient(Generic[S]):
    """An open line: the newest state, and commands."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, role: type[S]) -> None:
        self._socket = socket
        self._role: type[S] = role
        self._state: ClientState | None = None
        self._changed = asyncio.Condition()
        self._waiting: dict[str, asyncio.Future[Done | Refused]] = {}
        self._reader: asyncio.Task[None] | None = None
        self.epoch = ""

    @classmethod
    async def open(cls, api: Api, role: type[S]) -> "LineClient[S]":
        """Say hello with a fresh ticket. Raises HttpRefused, CommandRefused, ConnectionError."""
        ticket = (await api.call("POST", "/api/line-tickets"))["ticket"]
        socket = await api.socket()
        await socket.send_str(
            msgspec.json.encode(protocol.Hello(ticket, [protocol.VERSION])).decode()
        )
        line = cls(socket, role)
        first = await socket.receive()
        if first.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionError(f"no welcome: {first.type.name} {first.data}")
        message = _decoder.decode(first.data)
        if isinstance(message, Refused):
            await socket.close()
            raise CommandRefused(message)
        assert isinstance(message, protocol.Welcome)
        line.epoch, line._state = message.epoch, message.state
        line._reader = asyncio.create_task(line._read(), name="line client")
        return line

    @property
    def state(self) -> S:
        """The newest state."""
        state = self._state
        assert isinstance(state, self._role)
        return state

    @property
    def close_code(self) -> int | None:
        """Why the server closed the line, if it did."""
        return self._socket.close_code

    async def command(self, make: Callable[..., protocol.Command], **values: Any) -> None:
        """Send a command and wait for its answer. Raises CommandRefused."""
        await self.send(make(id=str(uuid.uuid4()), **values))

    async def send(self, command: protocol.Command) -> None:
        """Send this very command (also again). Raises CommandRefused, ConnectionError."""
        future: asyncio.Future[Done | Refused] = asyncio.get_running_loop().create_future()
        self._waiting[command.id] = future
        await self._socket.send_str(msgspec.json.encode(command).decode())
        async with asyncio.timeout(15):  # `wait_for` of Python 3.11 may swallow a cancellation
            answer = await future
        if isinstance(answer, Refused):
            raise CommandRefused(answer)

    async def until(self, wanted: Callable[[S], bool], timeout_s: float = 30.0) -> S:
        """The first state for which `wanted` holds. Raises TimeoutError, ConnectionError."""
        async with asyncio.timeout(timeout_s), self._changed:
            while not wanted(self.state):
                if self._socket.closed:
                    raise ConnectionError(f"the line closed with {self._socket.close_code}")
                await self._changed.wait()
            return self.state

    async def close(self) -> None:
        """Close the line."""
        await self._socket.close()
        if self._reader is not None:
            await self._reader

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            decoded = _decoder.decode(message.data)
            if isinstance(decoded, protocol.StateMessage):
                async with self._changed:
                    self._state = decoded.state
                    self._changed.notify_all()
            elif isinstance(decoded, Done | Refused) and decoded.id in self._waiting:
                future = self._waiting.pop(decoded.id)
                if not future.done():
                    future.set_result(decoded)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the line closed"))
        async with self._changed:
            self._changed.notify_all()
