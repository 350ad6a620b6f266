"""Which media host carries which call, and how does a call move? Warm lines, calls and hosts.

Every client that may soon be in a call holds a **warm line**: a connected peer connection on which
nothing is passed on. The accept joins it to the call. When a host fails or drains, its calls go on
at another one: parties are offered new connections while the old ones play. What a visit is and who
may do what is the switchboard's business, who hears of every change.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from uuid_utils import uuid7

from media.host.api import HostLost, MediaHost, News, Plan, Refused, Unknown
from scheduling.record import Visit
from signaling.call import (
    CLERK,
    RESIDENT,
    Call,
    CallId,
    Mode,
    Party,
    RecordingState,
    kept_seats,
)
from signaling.recordings import Recordings
from signaling.shared_desk import EMPTY, AnyChange, DeskRefused, SharedDesk, changed

log = logging.getLogger(__name__)

RELEASE_S = 1.0  # a moved call's old connections: the pages have switched by then


class NoHost(ConnectionError):  # noqa: N818
    """No media host takes calls now; it is tried again as soon as one does."""


@dataclass(slots=True)
class Line:
    """A client's warm line; `offer` until it was answered."""

    host: str
    connection: str
    offer: str | None
    connected: bool = False


class Exchange:
    """The running calls and the lines of those who wait.

    `changed` is told the clients whose view of a line or call has changed.
    """

    def __init__(
        self, recordings: Recordings, changed: Callable[[Sequence[str | None]], None]
    ) -> None:
        self._recordings, self._changed = recordings, changed
        self._hosts: dict[str, MediaHost] = {}
        self._lines: dict[str, Line] = {}  # by client
        self._calls: dict[str, Call] = {}  # by visit
        self._visits: dict[str, Visit] = {}
        self._guests: dict[str, dict[Party, str]] = {}  # by visit: clients beside the two parties
        self._preparing: set[str] = set()  # visits whose parties are being connected
        self._visit_of_call: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._tables: dict[
            str, tuple[str, dict[str, list[str]]]
        ] = {}  # by visit: as told to a host
        self._host_of: dict[str, str] = {}  # by connection
        self._carriers: dict[str, set[str]] = {}  # by call: every host it was on
        self._left_behind: dict[str, set[str]] = {}  # by lost host: calls to close when it is back
        self._staffed = asyncio.Event()  # a host was ready once
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, hosts: Sequence[MediaHost]) -> None:
        """Use these hosts from now on."""
        self._hosts = {host.name: host for host in hosts}
        for host in hosts:
            await host.start(self.hear)

    async def staffed(self, most_s: float) -> None:
        """Wait until a host is ready, but not longer than this."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._staffed.wait(), most_s)

    async def stop(self) -> None:
        """Let go of the hosts."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for host in self._hosts.values():
            await host.stop()

    def call_of(self, visit: str) -> Call | None:
        """The running call of a visit."""
        return self._calls.get(visit)

    @property
    def mine(self) -> bool:
        """Whether the calls run here."""
        return True

    @property
    def here(self) -> "Exchange":
        """The exchange itself."""
        return self

    def is_preparing(self, visit: str) -> bool:
        """Whether the parties of a visit are being connected, so that its call is not whole yet."""
        return visit in self._preparing

    def begun(self) -> list[Visit]:
        """The visits of all running calls, as they were when their calls began."""
        return list(self._visits.values())

    def lines(self) -> dict[str, Line]:
        """All warm lines, by client."""
        return dict(self._lines)

    def calls(self) -> list[Call]:
        """All running calls."""
        return list(self._calls.values())

    def visit_of(self, call: str) -> str | None:
        """The visit of a running call."""
        return self._visit_of_call.get(call)

    def line_of(self, client: str) -> Line | None:
        """The client's warm line."""
        return self._lines.get(client)

    # Warm lines

    async def warm(self, client: str) -> None:
        """A new line for this client, in place of the one before. Raises NoHost."""
        host = self._choose()
        try:
            invitation = await host.invite()
        except HostLost as error:
            raise NoHost(str(error)) from error
        self._host_of[invitation.connection] = host.name
        before = self._lines.get(client)
        self._lines[client] = Line(host.name, invitation.connection, invitation.offer)
        self._changed([client])
        if before is not None:
            await self._leave(before.connection)

    async def cool(self, client: str) -> None:
        """This client needs no line any more."""
        line = self._lines.pop(client, None)
        if line is not None:
            await self._leave(line.connection)

    # Calls

    async def begin(self, visit: Visit, *, paused: bool = False, desk: SharedDesk = EMPTY) -> None:
        """Connect the parties of a visit: by their warm lines, or by new connections.

        With `paused` nothing is recorded until the clerk lets it go on; `desk` is what an earlier
        office knew of it. A call that runs stays, but one of an earlier accept ends.
        """
        running = self._visits.get(visit.id)
        if running is not None:
            if running.accepted_at == visit.accepted_at:
                return
            await self.hang_up(running, running)
        recording: RecordingState = "paused" if paused else "starting"
        call = Call(CallId(str(uuid7())), visit.id, visit.city, recording=recording, desk=desk)
        self._calls[visit.id], self._visits[visit.id] = call, visit
        self._visit_of_call[call.id] = visit.id
        self._preparing.add(visit.id)
        lines = [self._lines.get(client or "") for client in (visit.kiosk, visit.clerk)]
        preferred = next((line.host for line in lines if line and line.connected), "")
        try:
            async with self._lock(visit.id):
                if self._calls.get(visit.id) is call:
                    await self._place(visit.id, preferred)
        finally:
            self._preparing.discard(visit.id)

    async def hang_up(self, visit: Visit, begun: Visit | None = None) -> None:
        """The call is over; from when to when they talked is noted with the recording.

        With `begun` only if it is the call that began with this.
        """
        call = await self.end(visit, begun)
        if call is not None:
            at = visit.ended_at or datetime.now(UTC)
            await self._recordings.span(visit, call, call.talking_since, at)

    async def end(self, visit: Visit, begun: Visit | None = None) -> Call | None:
        """Let go of a call; returns it as it was last."""
        async with self._lock(visit.id):
            if begun is not None and self._visits.get(visit.id) is not begun:
                return None
            call = self._calls.pop(visit.id, None)
        if call is None:
            return None
        self._visits.pop(visit.id, None)
        self._visit_of_call.pop(call.id, None)
        self._locks.pop(visit.id, None)
        self._tables.pop(visit.id, None)
        guests = self._guests.pop(visit.id, {})
        for name in self._carriers.pop(call.id, set()):
            await self._close(name, call.id)
        self._changed(list(guests.values()))
        return call

    async def connect(self, visit: str, party: Party) -> None:
        """A new connection for this party; the old one plays until it is there. Raises NoHost."""
        async with self._lock(visit):
            call = self._calls.get(visit)
            if call is None:
                return
            if not call.host:
                raise NoHost("no media host carries this call now")
            await self._invite(visit, party)

    async def answer(self, client: str, connection: str, sdp: str) -> None:
        """A client's SDP answer. Raises Unknown, Refused, NoHost."""
        line, owner = self._lines.get(client), self._owner(connection)
        if line is not None and line.connection != connection:
            line = None
        if line is None and (owner is None or self._client(*owner) != client):
            raise Unknown(connection)
        try:
            await self._host(connection).answer(connection, sdp)
        except HostLost as error:
            raise NoHost(str(error)) from error
        if line is not None:
            line.offer = None
        elif owner is not None:
            visit, party = owner
            call = self._calls.get(visit)
            if call is not None and call.paths[party].connection == connection:
                self._update(call.answered(party))

    async def record(self, visit: str, *, running: bool) -> None:
        """Pause a call's recording, or let it go on. Raises NoHost."""
        call = self._calls.get(visit)
        if call is None:
            raise NoHost("this call is over")
        try:
            await self._hosts[call.host].record(call.id, running=running)
        except (HostLost, KeyError) as error:
            raise NoHost(str(error)) from error
        self._update(self._calls.get(visit, call).records("recording" if running else "paused"))

    async def share(self, visit: str, party: Party, *, sharing: bool) -> None:
        """The party shows its screen, or does no longer."""
        call = self._calls.get(visit)
        if call is not None and party in call.paths:
            self._update(call.shares(party, sharing=sharing))
            self._wake(visit)

    async def change_desk(self, visit: str, party: Party, change: AnyChange) -> None:
        """The party changes the shared desk. Raises Unknown, DeskRefused."""
        call = self._calls.get(visit)
        if call is None or party not in call.paths:
            raise Unknown(visit)
        if call.on_hold and party == RESIDENT:
            raise DeskRefused("the clerks are talking alone; the desk is free again after that")
        desk = changed(call.desk, party, change, leads=party == call.clerk)
        if desk is not call.desk:
            self._update(call.laid(desk))
            self._wake(visit)

    async def take_part(self, visit: str, party: Party, client: str, mode: Mode) -> None:
        """One more is in the call, or changes its mode. Raises Unknown, NoHost, Refused."""
        async with self._lock(visit):
            call = self._calls.get(visit)
            if call is None:
                raise Unknown(visit)
            before = call.paths.get(party)
            self._guests.setdefault(visit, {})[party] = client
            self._update(call.joined(party, mode))
            await self._hear(visit)
            if before is None:
                try:
                    if not await self._join_line(visit, party):
                        await self._invite(visit, party)
                except (NoHost, Refused):
                    if not call.keeps(party):
                        self._forget(visit, party)
                    raise
            elif before.connection and mode != before.mode:
                await self._join(visit, party, before.connection)
        self._wake(visit)

    async def leave_part(self, visit: str, party: Party) -> None:
        """A guest leaves."""
        async with self._lock(visit):
            call = self._calls.get(visit)
            path = call.paths.get(party) if call is not None else None
            if path is None:
                return
            self._forget(visit, party)
            for connection in {path.connection, path.playing} - {None}:
                await self._leave(str(connection))
            await self._hear(visit)
        self._wake(visit)

    async def hold(self, visit: str, *, on_hold: bool) -> None:
        """Put the resident on hold while clerks consult, or take them back."""
        async with self._lock(visit):
            call = self._calls.get(visit)
            if call is None or call.on_hold == on_hold:
                return
            self._update(call.held(on_hold=on_hold))
            await self._hear(visit)
        self._wake(visit)

    async def hand_over(self, visit: Visit) -> None:
        """The visit has another clerk, who is in its call already: the one before leaves.

        Nobody's connection changes but that of who leaves.
        """
        async with self._lock(visit.id):
            call = self._calls.get(visit.id)
            if call is None:
                return
            before = self._client(visit.id, call.clerk)
            if visit.clerk is None or before == visit.clerk:
                return
            party = self.party_of(visit.id, visit.clerk)
            joins = party is None  # had just accepted, and is not in the call yet
            if party is None:
                party = call.next_invited()
                self._guests.setdefault(visit.id, {})[party] = visit.clerk
                call = call.joined(party, "party")
            path = call.paths[call.clerk]
            self._visits[visit.id] = visit
            self._update(call.handed_over(party))
            self._guests.get(visit.id, {}).pop(call.clerk, None)
            for connection in {path.connection, path.playing} - {None}:
                await self._leave(str(connection))
            await self._hear(visit.id)
            if joins and not await self._join_line(visit.id, party):
                await self._invite(visit.id, party)
        self._changed([before])
        self._wake(visit.id)

    def clients(self, visit: str) -> dict[Party, str]:
        """Everybody in a call."""
        call = self._calls.get(visit)
        parties = call.paths if call is not None else ()
        return {party: client for party in parties if (client := self._client(visit, party))}

    def party_of(self, visit: str, client: str) -> Party | None:
        """As whom this client takes part in a call."""
        return next((p for p, other in self.clients(visit).items() if other == client), None)

    def guests(self, visit: str) -> dict[Party, str]:
        """The clients in a call beside resident and clerk."""
        return self._guests.get(visit, {})

    # Hosts

    def hear(self, news: News) -> None:
        """What a media host tells; called in the event loop."""
        if news.change in ("lost", "draining", "ready"):
            log.warning("- media host %s is %s", news.host, news.change)
            if news.change == "ready":
                self._staffed.set()
            self._spawn(self._host_changed(news.host, news.change), f"{news.host} {news.change}")
            return
        if news.change == "closed":
            self._host_of.pop(news.connection, None)
        client = next((c for c, ln in self._lines.items() if ln.connection == news.connection), "")
        if not news.call:
            if client:
                self._hear_line(client, news)
            elif news.change == "silent":  # a line of before the host was lost
                self._host_of[news.connection] = news.host
                self._spawn(self._leave(news.connection), "leave unknown line")
            return
        visit = self._visit_of_call.get(news.call, "")
        call = self._calls.get(visit)
        if call is None:
            return
        if news.change in ("recording", "paused", "failed"):
            if news.host == call.host:
                self._update(call.records(news.change))
                self._wake(visit)
            return
        party = Party(news.party)
        if party in call.paths:
            self._update(_heard(call, party, news))
            path = self._calls[visit].paths[party]
            if news.change == "connected":
                self._spawn(self._whole(visit), "call whole")
            elif not call.keeps(party) and not path.connection and not path.playing:
                self._spawn(self.leave_part(visit, party), "guest is gone")
            self._wake(visit)

    def _hear_line(self, client: str, news: News) -> None:
        line = self._lines[client]
        if news.change == "connected":
            line.connected = True
        elif news.change in ("closed", "silent"):
            del self._lines[client]
            if news.change == "silent":
                self._spawn(self._leave(line.connection), "leave silent line")
            self._changed([client])

    async def _host_changed(self, name: str, change: str) -> None:
        if change in ("lost", "draining"):
            for client in [c for c, line in self._lines.items() if line.host == name]:
                del self._lines[client]
                self._changed([client])
        if change == "lost":
            self._host_of = {c: host for c, host in self._host_of.items() if host != name}
        elif change == "ready":
            await self._clean_up(name)
        now = datetime.now(UTC)
        for visit, call in list(self._calls.items()):
            if change == "lost" and call.host == name:
                self._update(call.host_lost(now))
                self._wake(visit)
            if call.host in ("", name) and (change != "ready" or not call.host):
                self._spawn(self._move(visit), f"move call {call.id}")

    async def _clean_up(self, name: str) -> None:
        """A host that was lost answers again: what went on elsewhere meanwhile ends there."""
        for call_id in self._left_behind.pop(name, set()):
            call = self._calls.get(self._visit_of_call.get(call_id, ""))
            if call is None or call.host != name:
                await self._close(name, call_id)

    async def _close(self, name: str, call_id: str) -> None:
        try:
            await self._hosts[name].close(call_id)
        except HostLost:
            log.info("- call %s was on lost media host %s", call_id, name)
            self._left_behind.setdefault(name, set()).add(call_id)

    async def _move(self, visit: str) -> None:
        """Go on at a host that is ready; try again for as long as there is none."""
        async with self._lock(visit):
            call = self._calls.get(visit)
            if call is None:
                return
            before = call.host
            if before and self._hosts[before].ready:
                return
            if not any(host.ready for host in self._hosts.values()):
                return  # "ready" of any host begins this again
            await self._place(visit, "")
        self._wake(visit)

    async def _place(self, visit: str, preferred: str) -> None:
        """Put a call on a host and connect all its parties there."""
        try:
            host = self._choose(preferred)
        except NoHost:
            log.error("x no media host for the call of visit %s", visit)
            return
        call = self._calls[visit].moved(host.name)
        self._update(call)
        self._carriers.setdefault(call.id, set()).add(host.name)
        if call.recording == "paused":
            try:
                await host.record(call.id, running=False)
            except HostLost:
                self._update(self._calls[visit].moved(""))  # never unpaused; "ready" tries again
                return
        await self._hear(visit)
        for party in list(call.paths):
            try:
                if not await self._join_line(visit, party):
                    await self._invite(visit, party)
            except (NoHost, Refused) as error:
                log.error("x call %s %s: %s", call.id, party, error)

    async def _join_line(self, visit: str, party: Party) -> bool:
        """Let the client's warm line carry this party; False if there is none here."""
        client = self._client(visit, party)
        line = self._lines.get(client or "")
        call = self._calls[visit]
        if line is None or not line.connected or line.host != call.host:
            if line is not None and client is not None:
                await self.cool(client)
            return False
        assert client is not None
        del self._lines[client]
        self._update(call.invited(party, line.connection, None))
        try:
            await self._hosts[call.host].join(line.connection, self._plan(visit, party))
        except (Unknown, Refused, HostLost):
            return False
        return True

    async def _invite(self, visit: str, party: Party) -> None:
        call = self._calls.get(visit)
        if call is None or call.host not in self._hosts:
            return
        host = self._hosts[call.host]
        heard = len(call.table.get(party, ()))
        try:
            invitation = await host.invite(max(1, heard))
            self._host_of[invitation.connection] = host.name
            now = self._calls.get(visit)
            if now is None or party not in now.paths:  # it ended meanwhile
                await host.leave(invitation.connection)
                return
            self._update(now.invited(party, invitation.connection, invitation.offer))
            await host.join(invitation.connection, self._plan(visit, party))
        except Unknown:
            return  # closed at once: the news of it says so
        except HostLost as error:
            raise NoHost(str(error)) from error

    async def _join(self, visit: str, party: Party, connection: str) -> None:
        """The same connection under another plan: what is recorded follows from the mode."""
        try:
            await self._host(connection).join(connection, self._plan(visit, party))
        except Unknown:
            return  # closed at once: the news of it says so
        except HostLost as error:
            raise NoHost(str(error)) from error

    async def _hear(self, visit: str) -> None:
        """Slots are in the order of the table, which pages and listeners go by."""
        call = self._calls.get(visit)
        if call is None or call.host not in self._hosts:
            return
        host, table = self._hosts[call.host], call.table
        before_at, before = self._tables.get(visit, ("", {}))
        self._tables[visit] = (call.host, table)
        try:
            if before_at == call.host and (kept := kept_seats(before, table)) is not None:
                await host.hear(call.id, kept)
            await host.hear(call.id, table)
        except HostLost:
            log.info("- media host %s is lost", call.host)

    async def _whole(self, visit: str) -> None:
        """All are there after a move: the gap is noted, and the host before is let go."""
        call = self._calls.get(visit)
        held = self._visits.get(visit)
        if call is None or held is None or not call.is_whole:
            return
        playing = [path.playing for path in call.paths.values() if path.playing]
        if any(self._host_of.get(connection) != call.host for connection in playing):
            return
        if call.lost_since is not None:
            since, now = call.lost_since, datetime.now(UTC)
            self._update(call.found())
            await self._recordings.interrupted(held, call, "media host lost", since, now)
        await asyncio.sleep(RELEASE_S)
        now_at = self._calls.get(visit)
        if now_at is not None and now_at.host == call.host:
            for name in self._carriers[call.id] - {call.host}:
                self._carriers[call.id].discard(name)
                await self._close(name, call.id)

    def _plan(self, visit: str, party: Party) -> Plan:
        call, held = self._calls[visit], self._visits[visit]
        return Plan(
            call=call.id,
            party=party,
            visit=held.id,
            city=held.city,
            taken_at=held.taken_at,
            recorded=call.paths[party].mode == "party",
        )

    def _choose(self, preferred: str = "") -> MediaHost:
        """A host that takes calls: the preferred one, or the least busy. Raises NoHost."""
        host = self._hosts.get(preferred)
        if host is not None and host.ready:
            return host
        busy = Counter(self._host_of.values())
        ready = [other for other in self._hosts.values() if other.ready]
        if not ready:
            raise NoHost("no media host takes calls now")
        return min(ready, key=lambda other: busy[other.name])

    def _host(self, connection: str) -> MediaHost:
        name = self._host_of.get(connection)
        if name is None:
            raise Unknown(connection)
        return self._hosts[name]

    async def _leave(self, connection: str) -> None:
        name = self._host_of.pop(connection, None)
        if name is not None:
            try:
                await self._hosts[name].leave(connection)
            except HostLost:
                log.info("- a connection was left on lost media host %s", name)

    def _owner(self, connection: str) -> tuple[str, Party] | None:
        for visit, call in self._calls.items():
            for party, path in call.paths.items():
                if path.connection == connection:
                    return visit, party
        return None

    def _client(self, visit: str, party: Party) -> str | None:
        held = self._visits.get(visit)
        guest = self._guests.get(visit, {}).get(party)
        if guest is not None or held is None:
            return guest
        if party == RESIDENT:
            return held.kiosk
        return held.clerk if party == CLERK else None

    def _forget(self, visit: str, party: Party) -> None:
        self._guests.get(visit, {}).pop(party, None)
        call = self._calls.get(visit)
        if call is not None and party not in call.pair:
            self._update(call.left(party))

    def _update(self, call: Call) -> None:
        if call.visit in self._calls:
            self._calls[call.visit] = call

    def _wake(self, visit: str) -> None:
        held = self._visits.get(visit)
        if held is not None:
            guests = self._guests.get(visit, {}).values()
            self._changed([held.kiosk, held.clerk, *guests])

    def _lock(self, visit: str) -> asyncio.Lock:
        return self._locks.setdefault(visit, asyncio.Lock())

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("x %s: %s", task.get_name(), error, exc_info=error)


def _heard(call: Call, party: Party, news: News) -> Call:
    """The call after news of one of its connections."""
    if news.change == "connected":
        return call.connected(party, news.connection, datetime.now(UTC))
    if news.change == "closed":
        return call.closed(party, news.connection)
    if news.change == "offer":
        return call.offered(party, news.connection, news.offer)
    if news.change in ("sound_only", "picture"):
        return call.carried(party, news.connection, sound_only=news.change == "sound_only")
    return call.heard(party, news.connection, silent=news.change == "silent")
