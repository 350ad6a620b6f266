"""Is it worth trying again? A database that restarts is back in a moment; a deadlock is one's own.

Whoever uses this does the whole over again, so it must be something that may be done twice, or
that the ledger knows.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

log = logging.getLogger(__name__)

PATIENCE_S = 8.0
_TRY_AGAIN_S = 0.1
# PostgreSQL's classes and codes (appendix A): connection, shutdown, serialisation, deadlock.
_PASSING = ("08", "57P", "40001", "40P01")
T = TypeVar("T")


def is_passing(error: BaseException) -> bool:
    """Whether the same may succeed in a moment."""
    if isinstance(error, PoolTimeoutError):
        return False  # it has waited long enough
    if isinstance(error, DBAPIError):
        code = getattr(error.orig, "sqlstate", None) or ""
        return (
            error.connection_invalidated
            or isinstance(error, InterfaceError)
            or code.startswith(_PASSING)
        )
    return isinstance(error, ConnectionError | TimeoutError)


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do it, again and again while what stops it may pass. Raises what does not, or too long."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await work()
        except (DBAPIError, OSError) as error:
            if not is_passing(error) or time.monotonic() > deadline_s:
                raise
            log.warning("- the database is asked again: %s", type(error).__name__)
        await asyncio.sleep(_TRY_AGAIN_S)
