"""`/api/calls`: the running calls, and how a supervisor listens, whispers or joins.

A part is one connection that only receives (listen), that the clerk alone hears (whisper), or
that all hear (party). Its far streams come in the order of `hears`: stream `far-0` is the first.
"""

from datetime import datetime
from typing import Literal

import msgspec

from media.host.api import Refused, Unknown
from scheduling.board import Board
from scheduling.record import Visit
from signaling.access import Role
from signaling.api.rest import Asked, Nothing, Operation, Problem
from signaling.audit import Audit
from signaling.call import Call, Party
from signaling.calls import Calls
from signaling.exchange import NoHost
from signaling.protocol import CityView, MatterView
from signaling.quality import Qualities
from signaling.world import World, city_view, matter_view

SUPERVISORS = frozenset({Role.SUPERVISOR})
MAX_ANSWER = 48 * 1024


class RunningCall(msgspec.Struct, kw_only=True):
    """One running call. Paths are `connecting`, `connected`, `silent` or `away`."""

    visit: str
    call: str
    ticket: str
    city: CityView
    matter: MatterView
    clerk_zh: str
    clerk_en: str
    started_at: datetime | None
    paths: dict[str, str]
    recording: str
    quality: str | None


class PartWanted(msgspec.Struct, forbid_unknown_fields=True):
    """How to be in a call."""

    mode: Literal["party", "listen", "whisper"]


class PartAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """The browser's SDP answer to the part's offer."""

    connection: str
    sdp: str


class Part(msgspec.Struct, kw_only=True):
    """A supervisor's place in a call; `offer` is there until it was answered."""

    mode: str
    state: str
    connection: str | None
    offer: str | None
    hears: list[str]


class CallsApi:
    """Live calls of the cities a supervisor may see; others are as unknown as none."""

    def __init__(
        self,
        world: World,
        board: Board,
        exchange: Calls,
        qualities: Qualities,
        audit: Audit,
    ) -> None:
        self._world, self._board, self._exchange = world, board, exchange
        self._qualities, self._audit = qualities, audit

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/calls", "Running calls", SUPERVISORS,
                self.running_calls, None, list[RunningCall],
            ),
            Operation(
                "PUT", "/api/calls/{visit}/part", "Listen, whisper or join", SUPERVISORS,
                self.take_part, PartWanted, Part,
            ),
            Operation(
                "GET", "/api/calls/{visit}/part", "My part of a call", SUPERVISORS,
                self.part, None, Part,
            ),
            Operation(
                "PUT", "/api/calls/{visit}/part/answer", "Answer the part's offer", SUPERVISORS,
                self.answer_part, PartAnswer, Nothing,
            ),
            Operation(
                "DELETE", "/api/calls/{visit}/part", "Leave a call", SUPERVISORS,
                self.leave_part,
            ),
        ]  # fmt: skip

    async def running_calls(self, asked: Asked) -> list[RunningCall]:
        """Oldest first."""
        found = []
        windows = await self._board.windows()
        for call in self._exchange.calls():
            visit = await self._board.visit(call.visit)
            if visit is None or not asked.who.may_see(visit.city):
                continue
            level = self._qualities.level(visit.id, Party("clerk"))
            clerk = windows.get(visit.clerk) if visit.clerk else None
            found.append(
                RunningCall(
                    visit=visit.id,
                    call=call.id,
                    ticket=visit.ticket,
                    city=city_view(self._world.cities[visit.city]),
                    matter=matter_view(self._world.catalogue.matter(visit.matter)),
                    clerk_zh=clerk.name_zh if clerk else "",
                    clerk_en=clerk.name_en if clerk else "",
                    started_at=call.talking_since,
                    paths={party: path.state for party, path in call.paths.items()},
                    recording=call.recording,
                    quality=level[0] if level is not None else None,
                )
            )
        return found

    async def take_part(self, asked: Asked) -> Part:
        """Also to change the mode. Logged."""
        visit, call = await self._call(asked)
        party = self._mine(asked, call) or _free_name(call)
        try:
            await self._exchange.take_part(visit.id, party, asked.who.id, asked.body.mode)
        except Unknown as error:
            raise Problem(404, "no such call") from error
        except NoHost as error:
            raise Problem(503, str(error)) from error
        except Refused as error:
            raise Problem(409, str(error)) from error
        await self._audit.log(asked.who, f"{asked.body.mode}_call", visit.id, asked.now)
        return self._view(visit.id, party)

    async def part(self, asked: Asked) -> Part:
        """How my part is doing; asked again while it is there."""
        visit, call = await self._call(asked)
        return self._view(visit.id, self._part(asked, call))

    async def answer_part(self, asked: Asked) -> Nothing:
        """With the SDP of the offer's connection."""
        if len(asked.body.sdp) > MAX_ANSWER:
            raise Problem(413, f"the answer is longer than {MAX_ANSWER} characters")
        await self._call(asked)
        try:
            await self._exchange.answer(asked.who.id, asked.body.connection, asked.body.sdp)
        except Unknown as error:
            raise Problem(404, "this connection is not open any more") from error
        except Refused as error:
            raise Problem(409 if error.twice else 422, str(error)) from error
        except NoHost as error:
            raise Problem(503, str(error)) from error
        return Nothing()

    async def leave_part(self, asked: Asked) -> Nothing:
        """Nobody else notices more than that one left."""
        visit, call = await self._call(asked)
        try:
            await self._exchange.leave_part(visit.id, self._part(asked, call))
        except NoHost as error:
            raise Problem(503, str(error)) from error
        await self._audit.log(asked.who, "leave_call", visit.id, asked.now)
        return Nothing()

    async def _call(self, asked: Asked) -> tuple[Visit, Call]:
        visit = await self._board.visit(asked.part("visit"))
        call = self._exchange.call_of(visit.id) if visit is not None else None
        if visit is None or call is None or not asked.who.may_see(visit.city):
            raise Problem(404, "no such call")
        return visit, call

    def _mine(self, asked: Asked, call: Call) -> Party | None:
        guests = self._exchange.guests(call.visit)
        return next((party for party, client in guests.items() if client == asked.who.id), None)

    def _part(self, asked: Asked, call: Call) -> Party:
        party = self._mine(asked, call)
        if party is None or party not in call.paths:
            raise Problem(404, "you are not in this call")
        return party

    def _view(self, visit: str, party: Party) -> Part:
        call = self._exchange.call_of(visit)
        if call is None or party not in call.paths:
            raise Problem(404, "no such call")
        path = call.paths[party]
        return Part(
            mode=path.mode,
            state=path.state,
            connection=path.connection,
            offer=path.offer,
            hears=call.table[party],
        )


def _free_name(call: Call) -> Party:
    """`supervisor`, then `supervisor-2` and so on."""
    names = ["supervisor", *(f"supervisor-{number}" for number in range(2, 10))]
    return Party(next(name for name in names if name not in call.paths))
