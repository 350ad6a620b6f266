"""Which electronic licences has this holder, and what is on one? The licence store, as its client.

The store is the city's (电子证照库); its contract is docs/licence-store.md, a reference server
`virtual-window licence-store`. Every request names the consent under which it is made; whether
that was asked for and written down is the caller's business. Request and answer are signed with a
shared secret (`message_signatures.py`): nothing is believed that the store has not signed. The
holder's number and name are in bodies only and never logged.
"""

import asyncio
import hashlib
import ipaddress
import logging
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from media.materials import message_signatures as signatures
from media.materials.licence_messages import (
    FETCH,
    JSON,
    PROBLEM,
    PROBLEM_TYPES,
    SEARCH,
    Consent,
    Copy,
    Fetch,
    Found,
    Holder,
    Licence,
    MediaType,
    Problem,
    Purpose,
    Search,
)

log = logging.getLogger(__name__)

MIN_SECRET = 32
Why = Literal["consent", "holder", "purpose", "format", "other"]

_FIRST_BYTES: dict[MediaType, bytes] = {
    "application/pdf": b"%PDF-",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
}


class LicenceError(Exception):
    """The store did not give what was asked for; the text is for operators."""


class Unavailable(LicenceError):  # noqa: N818
    """It does not answer, cannot now, or answers what cannot be trusted or used. Try later."""


class TooSlow(LicenceError):  # noqa: N818
    """It did not answer in time. Asking again under the same request id costs it nothing."""


class NotFound(LicenceError):  # noqa: N818
    """There is no such licence (any more)."""


class Refused(LicenceError):  # noqa: N818
    """The store says no, for good; `why` is what a person can do something about."""

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text)
        self.why = why


_REFUSALS: dict[str, Why] = {
    f"{PROBLEM_TYPES}consent": "consent",
    f"{PROBLEM_TYPES}holder": "holder",
    f"{PROBLEM_TYPES}purpose": "purpose",
    f"{PROBLEM_TYPES}format": "format",
}
A = TypeVar("A", Found, Copy)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the store may cost. A file in base64 is a third larger than `copy_bytes`."""

    connect_s: float = 3.0
    search_s: float = 8.0
    fetch_s: float = 20.0
    search_bytes: int = 256 * 1024
    copy_bytes: int = 20 * 1024 * 1024
    connections: int = 8

    @property
    def fetch_bytes(self) -> int:
        """Of a whole answer to a fetch."""
        return self.copy_bytes * 4 // 3 + 16 * 1024


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content_type: str
    body: bytes
    trusted: bool = field(default=False)


class LicenceStore:
    """The city's licence store. `async with`, or `close` at the end.

    `clock` is the time of day in seconds. Raises ValueError for an address or secret that cannot
    be right.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_address(url)
        if len(secret) < MIN_SECRET:
            raise ValueError(f"at least {MIN_SECRET} characters of secret are needed")
        self._url, self._secret = url.rstrip("/"), secret.encode()
        self._path = urlsplit(self._url).path
        self._limits, self._clock = limits or Limits(), clock
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "LicenceStore":
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of its connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def search(
        self, holder: Holder, kind: str, purpose: Purpose, consent: Consent, *, request: str = ""
    ) -> tuple[Licence, ...]:
        """The holder's licences of this kind, whatever their status; none is no error.

        `request` repeats an earlier one that had no answer. Raises Unavailable, TooSlow, Refused,
        ValueError for what no request can hold.
        """
        asked = Search(request or str(uuid.uuid4()), holder, kind, purpose, consent)
        found = await self._ask(
            SEARCH, asked, Found, self._limits.search_s, self._limits.search_bytes
        )
        if any(licence.kind != kind for licence in found.licences):
            raise self._unusable(SEARCH, "licences of another kind than was asked for")
        return tuple(found.licences)

    async def fetch(
        self,
        holder: Holder,
        licence: str,
        purpose: Purpose,
        consent: Consent,
        *,
        formats: tuple[MediaType, ...] = ("application/pdf", "image/jpeg", "image/png"),
        request: str = "",
    ) -> Copy:
        """One licence with its file.

        The file is from outside: it goes through the intake like any upload. Raises Unavailable,
        TooSlow, NotFound, Refused, ValueError for what no request can hold.
        """
        asked = Fetch(
            request or str(uuid.uuid4()), holder, licence, list(formats), purpose, consent
        )
        copy = await self._ask(FETCH, asked, Copy, self._limits.fetch_s, self._limits.fetch_bytes)
        if copy.licence.id != licence:
            raise self._unusable(FETCH, "another licence than was asked for")
        if copy.media_type not in formats:
            raise self._unusable(FETCH, f"{copy.media_type}, which was not asked for")
        if len(copy.content) > self._limits.copy_bytes:
            raise self._unusable(FETCH, "a file that is too large")
        if not copy.content.startswith(_FIRST_BYTES[copy.media_type]):
            raise self._unusable(FETCH, f"a file that is no {copy.media_type}")
        if hashlib.sha256(copy.content).hexdigest() != copy.sha256:
            raise self._unusable(FETCH, "a file that has another sha256 than is said")
        return copy

    async def _ask(
        self, path: str, asked: Search | Fetch, kind: type[A], most_s: float, most_bytes: int
    ) -> A:
        began_s, body = time.monotonic(), msgspec.json.encode(asked)
        msgspec.json.decode(body, type=type(asked))  # a ValueError names the field that is wrong
        try:
            async with asyncio.timeout(most_s):
                answer = await self._post_twice(path, body, most_bytes)
        except TimeoutError as error:
            log.warning("x licence store %s %s: too slow", path, asked.request)
            raise TooSlow(f"no answer within {most_s:.0f} s") from error
        took_s = time.monotonic() - began_s
        log.info("- licence store %s %s: %d, %.2f s", path, asked.request, answer.status, took_s)
        if answer.status == 200:
            return self._read(path, answer, kind)
        raise self._error(path, answer)

    async def _post_twice(self, path: str, body: bytes, most_bytes: int) -> _Answer:
        """A connection that breaks before an answer is made anew, once: `request` is the same."""
        try:
            return await self._post(path, body, most_bytes)
        except aiohttp.ClientConnectionError:
            pass
        try:
            return await self._post(path, body, most_bytes)
        except aiohttp.ClientConnectionError as error:
            log.warning("x licence store %s: %s", path, type(error).__name__)
            raise Unavailable("the licence store cannot be reached") from error

    async def _post(self, path: str, body: bytes, most_bytes: int) -> _Answer:
        components = signatures.request_components("POST", self._path + path, JSON, body)
        signed = signatures.sign(
            components,
            self._secret,
            created_s=int(self._clock()),
            nonce=secrets.token_urlsafe(24),
        )
        headers = {"Content-Type": JSON, signatures.DIGEST: signatures.digest(body), **signed}
        try:
            async with self._session().post(
                self._url + path, data=body, headers=headers, allow_redirects=False
            ) as response:
                answer = await _whole(response, most_bytes)
                return self._judged(path, answer, response, signed)
        except aiohttp.ClientPayloadError as error:
            raise self._unusable(path, "half an answer") from error
        except aiohttp.ClientResponseError as error:
            raise self._unusable(path, "no HTTP") from error

    def _judged(
        self,
        path: str,
        answer: _Answer | None,
        response: aiohttp.ClientResponse,
        request: dict[str, str],
    ) -> _Answer:
        """The answer, and whether the store has signed it."""
        if answer is None:
            raise self._unusable(path, "more than was asked for")
        components = signatures.answer_components(
            answer.status, answer.content_type, answer.body, request[signatures.SIGNATURE]
        )
        try:
            signatures.check(response.headers, components, self._secret, self._clock())
        except signatures.Untrusted as error:
            if answer.status in (200, 403, 404):
                log.error("x licence store %s: %s", path, error)
            return answer
        return _Answer(answer.status, answer.content_type, answer.body, trusted=True)

    def _read(self, path: str, answer: _Answer, kind: type[A]) -> A:
        if not answer.trusted:
            raise Unavailable("the answer is not signed with the shared secret")
        if answer.content_type != JSON:
            raise self._unusable(path, f"{answer.content_type[:40]!r} in place of {JSON}")
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            # The text of the error may quote the answer, which is personal.
            raise self._unusable(path, "not what the contract says") from error

    def _error(self, path: str, answer: _Answer) -> LicenceError:
        if answer.status == 401:
            log.error("x licence store %s: it does not know our secret, or our clock", path)
            return Unavailable("the licence store does not trust this service")
        if not answer.trusted or answer.content_type != PROBLEM:
            return Unavailable(f"the licence store answered {answer.status} without signing it")
        try:
            problem = msgspec.json.decode(answer.body, type=Problem)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._unusable(path, "not what the contract says")
        if answer.status == 404:
            return NotFound(problem.title)
        if answer.status in (403, 422):
            return Refused(_REFUSALS.get(problem.type, "other"), problem.title)
        return Unavailable(f"the licence store answered {answer.status} {problem.title}")

    def _unusable(self, path: str, what: str) -> Unavailable:
        log.error("x licence store %s answered %s", path, what)
        return Unavailable(f"the licence store answered {what}")

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._limits.connections),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._limits.connect_s),
                headers={"Accept": f"{JSON}, {PROBLEM}", "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # what is unpacked could be of any size
            )
        return self._http


def check_address(url: str) -> None:
    """Whether ID numbers may be sent there: https, or this very machine. Raises ValueError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.query or parts.fragment or parts.username or parts.password or not host:
        raise ValueError("an address without user, query and fragment is needed")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("ID numbers are sent by https only")
    if parts.scheme not in ("http", "https"):
        raise ValueError("this is not https://host")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _whole(response: aiohttp.ClientResponse, most_bytes: int) -> _Answer | None:
    """The whole answer; None if it is larger than this."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > most_bytes:
            response.close()
            return None
    content_type = response.headers.get("Content-Type", "")
    return _Answer(response.status, content_type, bytes(body))
