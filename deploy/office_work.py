"""What does a process do when it becomes the office, and when it is so no longer?

It opens the exchange with the media hosts, takes up the visits in `serving`, lets time run, and
only then tells the others: until that they show what the office before had told.
"""

from collections.abc import Sequence

from deploy.arrangement import Arrangement
from deploy.media_host import local_host
from deploy.settings import Settings
from media.host.api import MediaHost
from media.host.remote import RemoteHost
from signaling.calls import SharedCalls
from signaling.clock import Clock
from signaling.exchange import Exchange
from signaling.hub import Hub
from signaling.recordings import Recordings
from signaling.switchboard import Switchboard

STAFFED_S = 2.0  # a new office waits so long for its first media host


class OfficeWork:
    """What happens where this process becomes the office, and where it is so no longer."""

    def __init__(
        self,
        settings: Settings,
        ours: Arrangement,
        calls: SharedCalls,
        switchboard: Switchboard,
        clock: Clock,
        recordings: Recordings,
        hub: Hub,
    ) -> None:
        self._settings, self._ours, self._calls = settings, ours, calls
        self._switchboard, self._clock = switchboard, clock
        self._recordings, self._hub = recordings, hub
        self._exchange: Exchange | None = None
        self.watched: list[MediaHost] = []

    async def start(self) -> None:
        """Take the office, or wait for it. Raises OSError for a port that is taken."""
        for name, url in self._settings.nodes:
            host = RemoteHost(name, url, self._settings.shared_token())
            host.look()
            self.watched.append(host)
        await self._ours.office.start(self._open, self._close, self._switchboard.looked)

    async def stop(self) -> None:
        """Leave the office to others."""
        await self._ours.office.stop()
        if self._settings.nodes:
            for host in self.watched:
                await host.stop()

    async def _open(self, term: int) -> None:
        def changed(clients: Sequence[str | None]) -> None:
            self._calls.publish()  # so that whoever is woken finds it
            self._hub.wake(clients)

        exchange = self._exchange = Exchange(self._recordings, changed)
        carriers = hosts(self._settings)
        if not self._settings.nodes:
            self.watched[:] = carriers
        await exchange.start(carriers)
        await exchange.staffed(STAFFED_S)
        self._calls.open(term, exchange, lambda: self._ours.lease.held)
        await self._clock.start()
        self._calls.announce()

    async def _close(self) -> None:
        await self._clock.stop()
        await self._calls.close()
        if self._exchange is not None:
            await self._exchange.stop()
            self._exchange = None


def hosts(settings: Settings) -> list[MediaHost]:
    """The media hosts that carry the calls: those named, or this process."""
    named: list[MediaHost] = [
        RemoteHost(name, url, settings.shared_token()) for name, url in settings.nodes
    ]
    return named or [local_host(settings)]
