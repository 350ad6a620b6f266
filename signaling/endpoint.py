"""How does a client's WebSocket live? Hello, commands in, state out, and when to hang up.

One reader and one writer task per socket. What waits for the writer is bounded: the answers of at
most 64 commands and one wish to see the newest state. Gestures of others have a sender of their
own, so that none waits for a state to be read; of each kind and party only the newest waits.
"""

import asyncio
import logging
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from signaling import protocol
from signaling.access import Identity, Refusal, Role, Tokens
from signaling.accounts import Accounts
from signaling.commands import Commands
from signaling.desk_parties import DeskParties
from signaling.hub import Hub, Socket
from signaling.line import Line
from signaling.patience import patiently
from signaling.protocol import ClientState, Done, Refused, ServerMessage, Welcome
from signaling.switchboard import Switchboard
from signaling.views import NoClient, Views

log = logging.getLogger(__name__)

HELLO_DEADLINE_S = 5.0
HEARTBEAT_S = 10.0
RIGHTS_CHECK_S = 30.0
SEND_DEADLINE_S = 10.0
WAITING_ANSWERS = 64

_decoder = msgspec.json.Decoder(protocol.ClientMessage)
_encoder = msgspec.json.Encoder()


class Endpoint:
    """`GET /line`: the WebSocket of kiosks and clerks.

    `epoch` is the same for processes between which a client may change without losing its media.
    """

    def __init__(
        self,
        *,
        origins: frozenset[str],
        tokens: Tokens,
        accounts: Accounts,
        commands: Commands,
        desks: DeskParties,
        switchboard: Switchboard,
        views: Views,
        hub: Hub,
        epoch: str = "",
    ) -> None:
        self._origins, self._tokens, self._accounts = origins, tokens, accounts
        self._commands, self._desks, self._switchboard = commands, desks, switchboard
        self._views, self._hub = views, hub
        self.epoch = epoch or secrets.token_hex(4)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One socket from upgrade to close."""
        origin = request.headers.get("Origin")
        if origin is not None and origin not in self._origins:
            raise web.HTTPForbidden(text="this origin may not open a line")
        ws = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=protocol.MAX_MESSAGE_BYTES, compress=False
        )
        await ws.prepare(request)
        socket = await self._hello(ws)
        if socket is not None:
            await self._serve(ws, socket)
        return ws

    def close_all(self) -> None:
        """The process stops: every client is told to come back."""
        for socket in self._hub.sockets():
            socket.close(4012, "the server stops")

    async def _hello(self, ws: web.WebSocketResponse) -> Socket | None:
        """A socket of who the first message proves; None (it is closed) if it proves nobody."""
        try:
            message = await ws.receive(HELLO_DEADLINE_S)
        except TimeoutError:
            await ws.close(code=4002, message=b"no hello within 5 s")
            return None
        refusal = Refused(None, "malformed", "the first message is hello")
        if message.type is WSMsgType.TEXT:
            try:
                hello = _decoder.decode(message.data)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                hello, refusal = None, Refused(None, "malformed", str(error)[:200])
            if isinstance(hello, protocol.Hello):
                if protocol.VERSION not in hello.versions:
                    refusal = Refused(None, "bad_version", f"this server speaks {protocol.VERSION}")
                else:
                    try:
                        return await self._redeem(hello.ticket)
                    except Refusal as error:
                        refusal = Refused(None, "bad_ticket", str(error))
        if not ws.closed:
            with suppress(ConnectionError):
                await ws.send_str(_encoder.encode(refusal).decode())
                await ws.close(code=4002, message=refusal.code.encode())
        return None

    async def _redeem(self, ticket: str) -> Socket:
        who, token_id, expires_at = self._tokens.read("line", ticket)
        used_s = await self._accounts.use_once(token_id, expires_at, datetime.now(UTC))
        if who.role is Role.ADMIN:
            raise Refusal("this role has no line")
        if not await self._accounts.is_active(who):
            raise Refusal("this account or kiosk is suspended")
        return Socket(who, used_s)

    async def _serve(self, ws: web.WebSocketResponse, socket: Socket) -> None:
        who, line = socket.identity, Line(time.monotonic())
        answers: asyncio.Queue[ServerMessage] = asyncio.Queue(WAITING_ANSWERS)
        self._hub.enter(socket)
        log.info("< line of %s %s", who.role, who.id)
        self._switchboard.line_opened(who)
        writer = asyncio.create_task(self._write(ws, socket, line, answers), name="line writer")
        passer = asyncio.create_task(self._pass_on(ws, socket), name="line gestures")
        guard = asyncio.create_task(self._guard(socket), name="line guard")
        try:
            await self._read(ws, socket, line, answers)
        finally:
            socket.end()
            if self._hub.leave(socket):
                self._switchboard.line_closed(who)
            await asyncio.gather(writer, passer, guard)
            log.info("> line of %s %s closed %s", who.role, who.id, ws.close_code)

    async def _read(
        self,
        ws: web.WebSocketResponse,
        socket: Socket,
        line: Line,
        answers: asyncio.Queue[ServerMessage],
    ) -> None:
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                reply: Done | Refused | None = Refused(None, "malformed", "messages are JSON text")
            else:
                reply = await self._answer(socket.identity, line, message.data)
            if reply is None:
                continue
            try:
                async with asyncio.timeout(SEND_DEADLINE_S):  # the writer's own deadline
                    await answers.put(reply)
            except TimeoutError:
                await ws.close(code=4008, message=b"answers are not read", drain=False)
                return
            if isinstance(reply, Refused) and _is_fault(reply) and line.fault():
                socket.close(4003, "three messages could not be read")
            socket.changed.set()
        if ws.close_code == WSCloseCode.MESSAGE_TOO_BIG:
            log.info("x line of %s: message too large", socket.identity.id)

    async def _answer(self, who: Identity, line: Line, text: str) -> Done | Refused | None:
        """What to say to a message; None to a gesture."""
        try:
            command = _decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if not line.may_command(time.monotonic()):
                return Refused(None, "too_fast", "at most 20 messages a second")
            return _unreadable(text, error)
        if isinstance(command, protocol.Hello):
            return Refused(None, "malformed", "hello was said already")
        if isinstance(command, protocol.Gesture):
            if line.may_gesture(time.monotonic()):
                self._desks.gesture(who, command)
            return None
        async with self._hub.turn(who.id):
            known = self._hub.answers(who.id)
            if (before := known.known(command.id)) is not None:
                return before
            if not line.may_command(time.monotonic()):
                return Refused(command.id, "too_fast", "at most 20 commands a second")
            try:
                answer = await self._commands.carry_out(who, command)
            except Exception:
                log.exception("x command of %s %s", who.role, who.id)
                return Refused(command.id, "failed", "the server failed; try again")
            known.keep(command.id, answer)
            return answer

    async def _write(
        self,
        ws: web.WebSocketResponse,
        socket: Socket,
        line: Line,
        answers: asyncio.Queue[ServerMessage],
    ) -> None:
        who = socket.identity
        try:
            state = await self._state(who)
            line.shown(state)
            welcome = Welcome(
                protocol.VERSION, secrets.token_hex(8), self.epoch, datetime.now(UTC), state
            )
            await self._send(ws, welcome)
            socket.is_welcomed = True
            while True:
                await socket.changed.wait()
                socket.changed.clear()
                if socket.gone.is_set():
                    return
                while not answers.empty():
                    await self._send(ws, answers.get_nowait())
                if socket.closing is not None:
                    code, reason = socket.closing
                    await ws.close(code=code, message=reason.encode())
                    return
                state = await self._state(who)
                update = line.next_state(state, datetime.now(UTC))
                if update is not None:
                    await self._send(ws, update)
        except NoClient:
            await ws.close(code=4000, message=b"this client is not known any more")
        except TimeoutError:
            log.info("x line of %s does not read", who.id)
            await ws.close(code=4008, message=b"the client does not read")
        except ConnectionError:
            return
        except Exception:  # a client whose state cannot be told is better told to come back
            log.exception("x line of %s %s", who.role, who.id)
            await ws.close(code=WSCloseCode.INTERNAL_ERROR, message=b"the server failed")

    async def _pass_on(self, ws: web.WebSocketResponse, socket: Socket) -> None:
        """Send gestures; a client that does not read is the writer's business."""
        with suppress(ConnectionError, TimeoutError):
            while not socket.gone.is_set():
                await socket.passed.wait()
                socket.passed.clear()
                for gesture in socket.gestures():
                    await self._send(ws, gesture)

    async def _state(self, who: Identity) -> ClientState:
        try:
            return await patiently(lambda: self._views.state(who))
        except OSError as error:  # not one of the client's line
            raise RuntimeError("the database does not answer") from error

    async def _send(self, ws: web.WebSocketResponse, message: ServerMessage) -> None:
        async with asyncio.timeout(SEND_DEADLINE_S):
            await ws.send_str(_encoder.encode(message).decode())

    async def _guard(self, socket: Socket) -> None:
        """Rights are checked on open sockets too, so that a withdrawal acts within 60 s."""
        while not socket.gone.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(socket.gone.wait(), RIGHTS_CHECK_S)
                return
            try:
                active = await self._accounts.is_active(socket.identity)
            except Exception:  # asked again at the next turn; the guard must not end
                log.exception("x rights of %s could not be checked", socket.identity.id)
                continue
            if not active:
                socket.close(4000, "the rights were withdrawn")
                await self._switchboard.withdraw(socket.identity)
                return


def _is_fault(reply: Refused) -> bool:
    return reply.id is None or reply.code == "unknown_type"


class _Envelope(msgspec.Struct):
    id: str | None = None
    type: str | None = None


def _unreadable(text: str, error: Exception) -> Refused:
    """Say what is wrong; with the command's id where one can be read, so its sender learns it."""
    try:
        envelope = msgspec.json.decode(text, type=_Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Refused(None, "malformed", str(error)[:200])
    if envelope.type not in protocol.MESSAGE_TAGS:
        return Refused(envelope.id, "unknown_type", f"no message type {str(envelope.type)[:40]}")
    return Refused(envelope.id, "bad_value", str(error)[:200])
