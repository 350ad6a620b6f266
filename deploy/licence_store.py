"""`virtual-window licence-store`: a licence store with invented licences, by the contract.

For the demo, for tests, and for whoever builds a real one: it keeps every rule of
docs/licence-store.md that a store has to keep. What it holds is in `invented_licences.py`.
"""

import asyncio
import logging
import secrets
import signal
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import msgspec
from aiohttp import web

from deploy import invented_licences
from deploy.settings import Settings
from media.materials import message_signatures as signatures
from media.materials.licence_messages import (
    FETCH,
    JSON,
    PROBLEM,
    PROBLEM_TYPES,
    SEARCH,
    Fetch,
    Found,
    Problem,
    Search,
)

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024
CONSENT_AGE = timedelta(hours=24)
KEPT_ANSWERS = 1000
R = TypeVar("R", Search, Fetch)


class _Wrong(Exception):  # noqa: N818
    def __init__(self, status: int, kind: str, title: str) -> None:
        super().__init__(title)
        self.status, self.kind = status, kind


class ReferenceStore:
    """The HTTP application. `secret` is shared with the service, `clock` the time of day."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._secret, self._clock = secret.encode(), clock
        self._nonces: dict[str, float] = {}
        self._answers: OrderedDict[str, tuple[str, int, str, bytes]] = OrderedDict()
        self.worked = 0  # requests that were not answered from what was kept

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_post(SEARCH, self._search)
        app.router.add_post(FETCH, self._fetch)
        return app

    async def _search(self, request: web.Request) -> web.Response:
        return await self._serve(request, Search, self._find)

    async def _fetch(self, request: web.Request) -> web.Response:
        return await self._serve(request, Fetch, self._copy)

    async def _serve(
        self, request: web.Request, kind: type[R], work: Callable[[R], object]
    ) -> web.Response:
        body = await request.read()
        try:
            self._prove(request, body)
        except signatures.Untrusted as error:
            problem = Problem(f"{PROBLEM_TYPES}signature", str(error), 401)
            return web.Response(status=401, body=msgspec.json.encode(problem), content_type=PROBLEM)
        try:
            status, content_type, answer = self._once(body, kind, work)
        except _Wrong as wrong:
            problem = Problem(f"{PROBLEM_TYPES}{wrong.kind}", str(wrong), wrong.status)
            status, content_type = wrong.status, PROBLEM
            answer = msgspec.json.encode(problem)
        return self._signed(request, status, content_type, answer)

    def _prove(self, request: web.Request, body: bytes) -> None:
        """The service has sent this, just now, and for the first time. Raises Untrusted."""
        content_type = request.headers.get("Content-Type", "")
        if content_type != JSON:
            raise signatures.Untrusted(f"Content-Type: it must be {JSON}")
        if request.headers.get(signatures.DIGEST) != signatures.digest(body):
            raise signatures.Untrusted(f"{signatures.DIGEST}: not that of the body")
        components = signatures.request_components("POST", request.path, content_type, body)
        now_s = self._clock()
        checked = signatures.check(request.headers, components, self._secret, now_s)
        oldest_s = now_s - 2 * signatures.MAX_AGE_S
        self._nonces = {n: at_s for n, at_s in self._nonces.items() if at_s >= oldest_s}
        if checked.nonce in self._nonces:
            raise signatures.Untrusted(f"{signatures.INPUT}: this nonce was used before")
        self._nonces[checked.nonce] = checked.created_s

    def _once(
        self, body: bytes, kind: type[R], work: Callable[[R], object]
    ) -> tuple[int, str, bytes]:
        """The answer to this request, the same as before if it was made before. Raises _Wrong."""
        try:
            asked = msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _Wrong(400, "malformed", str(error)[:200]) from error
        printed = signatures.digest(body)
        if kept := self._answers.get(asked.request):
            if kept[0] != printed:
                raise _Wrong(422, "request", "request: used before for something else")
            return kept[1:]
        self._check_consent(asked)
        answer = msgspec.json.encode(work(asked))
        self.worked += 1
        self._answers[asked.request] = (printed, 200, JSON, answer)
        if len(self._answers) > KEPT_ANSWERS:
            self._answers.popitem(last=False)
        log.info(
            "- %s for visit %s, consent %s to notice %s of %s",
            kind.__name__.lower(),
            asked.purpose.visit,
            asked.consent.reference,
            asked.consent.notice_version,
            asked.consent.given_at.isoformat(),
        )
        return 200, JSON, answer

    def _check_consent(self, asked: Search | Fetch) -> None:
        age = datetime.fromtimestamp(self._clock(), UTC) - asked.consent.given_at
        if not -timedelta(seconds=signatures.MAX_AGE_S) <= age <= CONSENT_AGE:
            raise _Wrong(403, "consent", "consent.given_at: not within the last 24 hours")

    def _find(self, asked: Search) -> Found:
        return Found(invented_licences.of(asked.holder, asked.kind, self._today()))

    def _copy(self, asked: Fetch) -> object:
        copy = invented_licences.copy(asked.holder, asked.licence, self._today())
        if copy is None:
            raise _Wrong(404, "licence", "the holder has no such licence")
        if copy.media_type not in asked.formats:
            raise _Wrong(422, "format", f"formats: there is only {copy.media_type}")
        return copy

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()

    def _signed(
        self, request: web.Request, status: int, content_type: str, body: bytes
    ) -> web.Response:
        components = signatures.answer_components(
            status, content_type, body, request.headers[signatures.SIGNATURE]
        )
        headers = signatures.sign(
            components,
            self._secret,
            created_s=int(self._clock()),
            nonce=secrets.token_urlsafe(24),
        )
        headers[signatures.DIGEST] = signatures.digest(body)
        headers["Cache-Control"] = "no-store"
        return web.Response(status=status, body=body, content_type=content_type, headers=headers)


async def run(settings: Settings, port: int) -> None:
    """Serve on loopback until told to stop. Raises OSError for a port that is taken, BadSetting."""
    store = ReferenceStore(settings.store_secret())
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(store.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        log.info("- licence store on port %d", port)
        await stop.wait()
    finally:
        await runner.cleanup()
