"""Which process is the office? One at a time lets time pass, makes offers and runs the calls.

The office is held by a lease in the database. Whoever has it opens, by what the assembly hands in;
whoever finds that another has it closes. While the database does not answer, an open office stands
still as soon as its lease may have run out, and goes on where it was if nobody else had it since.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection

from sqlalchemy.exc import SQLAlchemyError

from signaling.between import Look, Post, Vacant
from signaling.lease import Lease

log = logging.getLogger(__name__)

RENEW_S = 2.0
RELOAD_S = 60.0
TAKE_S = 4.0
Open = Callable[[int], Awaitable[None]]
Close = Callable[[], Awaitable[None]]
Looked = Callable[[Collection[str], Collection[str]], None]


class Office:
    """This process's claim on the office; `shared` says that there may be others."""

    def __init__(
        self,
        lease: Lease,
        post: Post,
        *,
        shared: bool = True,
        renew_s: float = RENEW_S,
        take_s: float = TAKE_S,
    ) -> None:
        self._lease, self._post, self._shared = lease, post, shared
        self._renew_s, self._take_s = renew_s, take_s
        self._deaf, self._looked_s = False, 0.0
        self._open_term: int | None = None
        self._open: Open | None = None
        self._close: Close | None = None
        self._looked: Looked = lambda visits, clerks: None
        self._ask_now = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._moving: asyncio.Task[None] | None = None
        post.on(Vacant, lambda message: self._ask_now.set())
        post.on(Look, self._hear_look)
        post.on_link(self._linked)

    @property
    def active(self) -> bool:
        """Whether this process is the office, and may act as one at this moment."""
        return self._open_term is not None and self._lease.held

    async def start(self, open_: Open, close: Close, looked: Looked) -> None:
        """Take the office if it is free, else as soon as it is. `open_` gets the term's number.

        Raises what `open_` raises. `looked` hears of visits and clerks that changed elsewhere.
        """
        self._open, self._close, self._looked = open_, close, looked
        term = await self._lease.take()
        if term is not None:
            await self._move(term)
        self._task = asyncio.create_task(self._live(), name="office")

    async def stop(self) -> None:
        """Close, and leave the office to the others at once."""
        for task in (self._task, self._moving):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._shut()
        if not self._lease.held:
            return
        try:
            async with asyncio.timeout(self._take_s):
                await self._lease.release()
        except (SQLAlchemyError, OSError) as error:  # it runs out by itself
            log.warning("- the office could not be given up: %s", error)
        self._post.tell(Vacant())

    def missed(self) -> bool:
        """Whether changes elsewhere may have been missed since this was asked last.

        While the bus is down they are, and just after; else once in `RELOAD_S`, for what a process
        that died had changed and not told.
        """
        now_s = time.monotonic()
        late = self._shared and now_s - self._looked_s > RELOAD_S
        missed = self._deaf or late
        self._deaf = not self._post.up  # then once more when it is back
        if missed:
            self._looked_s = now_s
        return missed

    def look(self, visits: Collection[str] = (), clerks: Collection[str] = ()) -> None:
        """Have the office, wherever it is, look at these again."""
        if self._open_term is None:
            self._post.tell(Look(visits=list(visits), clerks=list(clerks)))
        else:
            self._hear_look(Look(visits=list(visits), clerks=list(clerks)))

    def _linked(self, up: bool) -> None:
        self._deaf = self._deaf or not up

    def _hear_look(self, message: Look) -> None:
        if self.active:
            self._looked(message.visits, message.clerks)
        else:
            self._deaf = True  # it may be opening, or stand still

    async def _live(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ask_now.wait(), self._renew_s)
            self._ask_now.clear()
            try:
                async with asyncio.timeout(self._take_s):
                    term = await self._lease.take()
            except Exception as error:  # whatever it is, the claim is made again
                log.warning("x the office's lease: %s", error or type(error).__name__)
                continue
            if term != self._open_term and (self._moving is None or self._moving.done()):
                self._moving = asyncio.create_task(self._try(term), name="office moves")

    async def _try(self, term: int | None) -> None:
        try:
            await self._move(term)
        except Exception:  # tried again with the next renewal
            log.exception("x the office could not be opened")
            await self._shut()

    async def _move(self, term: int | None) -> None:
        if self._open_term is not None:
            log.warning("- the office is elsewhere now")
            await self._shut()
        if term is not None and self._open is not None:
            log.warning("- this process is the office, term %d", term)
            await self._open(term)
            self._open_term = term

    async def _shut(self) -> None:
        self._open_term = None
        if self._close is not None:
            await self._close()
