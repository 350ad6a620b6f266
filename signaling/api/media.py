"""`/api/media`: how the media hosts are doing, for operators."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from media.host.api import HostLost, MediaHost
from signaling.access import Role
from signaling.api.rest import Asked, Operation, Problem


async def statuses(hosts: Sequence[MediaHost]) -> list[dict[str, Any]]:
    """What each host counts; of one that does not answer only its name."""
    found = []
    for host in hosts:
        try:
            found.append(await host.status())
        except HostLost:
            found.append({"name": host.name, "ready": False, "lost": True})
    return found


class MediaApi:
    """Counts of the media hosts."""

    def __init__(self, hosts: Sequence[MediaHost]) -> None:
        self._hosts = hosts

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/media", "Counts of the media hosts", frozenset({Role.ADMIN}),
                self.media_status, None, list[dict[str, Any]],
            ),
        ]  # fmt: skip

    async def media_status(self, asked: Asked) -> web.Response:
        """Strangers' datagrams by reason, and packets per connection."""
        if not asked.who.lead:
            raise Problem(403, "the media hosts serve every city; ask the lead city's admin")
        return web.json_response(await statuses(self._hosts))
