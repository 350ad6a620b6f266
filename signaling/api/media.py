"""`/api/media`: how the media node is doing, for operators."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from signaling.access import Role
from signaling.api.rest import Asked, Operation, Problem


class MediaApi:
    """Counts of the media node. `status` gives plain values."""

    def __init__(self, status: Callable[[], dict[str, object]]) -> None:
        self._status = status

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/media", "Counts of the media node", frozenset({Role.ADMIN}),
                self.media_status, None, dict[str, Any],
            ),
        ]  # fmt: skip

    async def media_status(self, asked: Asked) -> web.Response:
        """Strangers' datagrams by reason, and packets per connection."""
        if not asked.who.lead:
            raise Problem(403, "the media node serves every city; ask the lead city's admin")
        return web.json_response(self._status())
