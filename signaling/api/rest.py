"""How does a row of the route table become a checked request and a typed answer?

Every operation names who may call it and the types of body and answer (msgspec). Errors are
RFC 9457 problem details. A browser's `Origin` must be ours on everything that changes something.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from signaling.access import Identity, Refusal, Role, Tokens
from signaling.accounts import Accounts, Busy, Locked

log = logging.getLogger(__name__)

COOKIE = "vw_session"
MAX_BODY_BYTES = 64 * 1024
MAX_FILE_BYTES = 1024 * 1024
BODY_DEADLINE_S = 10.0
ANYONE: frozenset[Role] = frozenset()
EVERYONE = frozenset(Role)


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """An error for the caller: status, and what happened and what to do in `detail`."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class ProblemDetails(msgspec.Struct):
    """RFC 9457. `type` is about:blank: the status says the kind, `detail` the case."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"


class Nothing(msgspec.Struct):
    """An empty answer: it was done."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One checked request. `who` is there unless the operation is open to anyone."""

    request: web.Request
    identity: Identity | None
    body: Any
    now: datetime

    @property
    def who(self) -> Identity:
        """The caller."""
        if self.identity is None:
            raise Problem(401, "sign in first")
        return self.identity

    def query(self, name: str) -> str:
        """A query parameter, "" if it is not there."""
        return self.request.query.get(name, "").strip()[:200]

    def part(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]


Answer = msgspec.Struct | Sequence[msgspec.Struct] | web.StreamResponse


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the route table. `body`/`answer` None: no body, or an answer that is not JSON.

    A `body` of `bytes` is a CSV file, handed on unread, of at most 1 MiB.
    """

    method: str
    path: str
    summary: str
    may: frozenset[Role]
    do: Callable[[Asked], Awaitable[Answer]]
    body: Any = None
    answer: Any = Nothing
    query: tuple[str, ...] = ()
    cookie: bool = False


class Rest:
    """Serves a table of operations."""

    def __init__(self, tokens: Tokens, accounts: Accounts, origins: frozenset[str]) -> None:
        self._tokens, self._accounts, self._origins = tokens, accounts, origins

    def add(self, app: web.Application, operations: Sequence[Operation]) -> None:
        """Register every operation."""
        for operation in operations:
            app.router.add_route(operation.method, operation.path, self._handler(operation))

    def _handler(
        self, operation: Operation
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        decoder = None
        if operation.body is not None and operation.body is not bytes:
            decoder = msgspec.json.Decoder(operation.body)

        async def handle(request: web.Request) -> web.StreamResponse:
            self._check_origin(request)
            now = datetime.now(UTC)
            identity = await self._identify(request, operation, now)
            body: Any = None
            if operation.body is not None:
                try:
                    async with asyncio.timeout(BODY_DEADLINE_S):
                        body = await (_file(request) if decoder is None else request.read())
                except TimeoutError as error:
                    raise Problem(408, f"no whole body within {BODY_DEADLINE_S:.0f} s") from error
            if decoder is not None:
                try:
                    body = decoder.decode(body)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                    raise Problem(400, str(error)[:300]) from error
            answer = await operation.do(Asked(request, identity, body, now))
            if isinstance(answer, web.StreamResponse):
                return answer
            return json_response(answer)

        return handle

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        changes = request.method not in ("GET", "HEAD")
        if changes and origin is not None and origin not in self._origins:
            raise Problem(403, f"the origin {origin[:80]} may not use this interface")

    async def _identify(
        self, request: web.Request, operation: Operation, now: datetime
    ) -> Identity | None:
        if operation.may == ANYONE:
            return None
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme.lower() == "bearer" and token:
                who, _, _ = self._tokens.read("access", token)
                if not await self._accounts.is_active(who):
                    raise Refusal("this account or kiosk is suspended")
            elif operation.cookie and (secret := request.cookies.get(COOKIE)):
                who = (await self._accounts.by_session(secret, now)).identity
            else:
                raise Refusal("sign in first")
        except Refusal as error:
            raise Problem(401, str(error)) from error
        if who.role not in operation.may:
            raise Problem(403, f"a {who.role} may not do this")
        return who


async def _file(request: web.Request) -> bytes:
    """The body up to its own limit, which is more than that of JSON."""
    read = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        read += chunk
        if len(read) > MAX_FILE_BYTES:
            raise Problem(413, f"the file is larger than {MAX_FILE_BYTES // 1024} KiB")
    return bytes(read)


def json_response(answer: Any, status: int = 200) -> web.Response:
    """A JSON answer that no cache keeps."""
    return web.Response(
        body=msgspec.json.encode(answer),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@web.middleware
async def problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn every error of the HTTP interface into problem details."""
    try:
        return await handler(request)
    except Problem as error:
        return _problem(error.status, error.detail)
    except Locked as error:
        return _problem(429, str(error))
    except Busy as error:
        return _problem(503, str(error))
    except Refusal as error:
        return _problem(401, str(error))
    except web.HTTPException as error:
        if error.status < 400 or not request.path.startswith("/api/"):
            raise
        response = _problem(error.status, error.text or error.reason)
        if "Allow" in error.headers:  # a 405 names what would be allowed (RFC 9110, 15.5.6)
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception:
        log.exception("x %s %s", request.method, request.path)
        return _problem(500, "the server failed; the fault is in its log")


def _problem(status: int, detail: str) -> web.Response:
    details = ProblemDetails(HTTPStatus(status).phrase, status, detail)
    return web.Response(
        body=msgspec.json.encode(details),
        status=status,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )
