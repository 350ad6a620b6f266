"""How do node and recorder work as one, in this process? The local media host."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from media.host.api import Invitation, Listener, News, Plan, Refused, Table, Unknown
from media.host.metrics import Timings
from media.node import node as nodes
from media.node.codecs import Track
from media.node.node import CallId, ConnectionId, Node
from media.records.recorder import PartyTap, Recorder, RecordingState, Visit
from media.records.store import Store


class LocalHost:
    """A `media.host.api.MediaHost`. `make_node` gets the listener of the node's news."""

    def __init__(
        self, name: str, store: Store, make_node: Callable[[Callable[[nodes.News], None]], Node]
    ) -> None:
        self._name = name
        self.store = store
        self.node = make_node(self._hear)
        self.timings = Timings()
        self.recorder = Recorder(store, self._recorded, self.timings.write.observe)
        self._invited_s: dict[str, float] = {}
        self._taps: dict[str, PartyTap] = {}
        self._listener: Listener = lambda news: None
        self._draining = False

    @property
    def name(self) -> str:
        """How operators call it."""
        return self._name

    @property
    def ready(self) -> bool:
        """Whether it takes new calls."""
        return not self._draining

    async def start(self, listener: Listener) -> None:
        """Open the port and finish what a killed process left. Raises OSError."""
        self._listener = listener
        await asyncio.to_thread(self.store.recover)
        await self.recorder.start()
        await self.node.start()
        self._tell("ready")

    async def stop(self) -> None:
        """End all calls and seal their recordings."""
        await self.node.stop()
        await self.recorder.stop()

    def drain(self) -> None:
        """Take no new call; whoever listens moves the running ones."""
        self._draining = True
        self._tell("draining")

    @property
    def busy(self) -> bool:
        """Whether a connection still carries a call, or a recording is not sealed."""
        return self.node.carries_calls or self.recorder.running > 0

    async def invite(self, slots: int = 1) -> Invitation:
        """A connection; a warm line until `join`."""
        made = self.node.invite(slots)
        self._invited_s[made.connection] = time.monotonic()
        return Invitation(made.connection, made.offer)

    async def answer(self, connection: str, sdp: str) -> None:
        """The party's SDP answer. Raises Unknown, Refused."""
        try:
            self.node.answer(ConnectionId(connection), sdp)
        except nodes.UnknownConnection as error:
            raise Unknown(connection) from error
        except nodes.AnswerTwice as error:
            raise Refused("this offer was answered already", twice=True) from error
        except (nodes.BadAnswer, nodes.HandshakeError) as error:
            raise Refused(str(error)) from error

    async def join(self, connection: str, plan: Plan) -> None:
        """From now on this connection carries a party. Raises Unknown, Refused.

        Joined again, it is recorded from then on as the new plan says.
        """
        self._seal(connection)
        tap = None
        if plan.recorded:
            visit = Visit(plan.visit, plan.call, plan.city, plan.taken_at)
            ask = partial(self._ask_key_frame, plan.call, plan.party)
            tap = self.recorder.open(visit, plan.party, ask)
            self._taps[connection] = tap
        try:
            self.node.join(ConnectionId(connection), CallId(plan.call), plan.party, tap)
        except nodes.UnknownConnection as error:
            self._seal(connection)
            raise Unknown(connection) from error
        except nodes.TooManyParties as error:
            self._seal(connection)
            raise Refused(str(error)) from error

    async def hear(self, call: str, table: Table) -> None:
        """Who hears whom from now on."""
        self.node.hear(CallId(call), table)

    async def leave(self, connection: str) -> None:
        """Close one connection."""
        self.node.leave(ConnectionId(connection))

    async def close(self, call: str) -> None:
        """Close a call; its recordings are sealed."""
        self.node.close(CallId(call))
        self.recorder.forget(call)

    async def record(self, call: str, *, running: bool) -> None:
        """Pause a call's recording, or let it go on."""
        await (self.recorder.resume(call) if running else self.recorder.pause(call))

    async def status(self) -> dict[str, Any]:
        """Counts for operators."""
        return {
            "name": self._name,
            "ready": self.ready,
            **self.node.status(),
            "recordings": self.recorder.running,
            "recorded_bytes": self.recorder.bytes_written,
            "recording_failures": self.recorder.failures,
        }

    def _ask_key_frame(self, call: str, party: str, track: Track) -> None:
        self.node.request_key_frame(CallId(call), party, track)

    def _hear(self, news: nodes.News) -> None:
        if news.change == "closed":
            self._seal(news.connection)
        if news.change in ("connected", "closed"):
            invited_s = self._invited_s.pop(news.connection, None)
            if invited_s is not None and news.change == "connected":
                self.timings.connect.observe(time.monotonic() - invited_s)
        self._listener(
            News(
                host=self._name,
                change=news.change,
                call=news.call,
                party=news.party,
                connection=news.connection,
                offer=news.offer,
            )
        )

    def _seal(self, connection: str) -> None:
        tap = self._taps.pop(connection, None)
        if tap is not None:
            self.recorder.close(tap)

    def _recorded(self, call: str, state: RecordingState) -> None:
        self._listener(News(host=self._name, change=state, call=call))

    def _tell(self, change: Any) -> None:
        self._listener(News(host=self._name, change=change))
