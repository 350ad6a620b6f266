"""What does each client see? The state of a kiosk and of a clerk, read afresh when asked for."""

from typing import cast, get_args

from scheduling import visit
from scheduling.board import Board
from scheduling.codes import Codes
from scheduling.record import Visit
from scheduling.standing import Standing
from scheduling.visit import ClerkId, KioskId
from signaling.access import Identity, Role
from signaling.accounts import Accounts
from signaling.call import RESIDENT, Call, Mode, Party
from signaling.calls import Calls
from signaling.hub import Hub
from signaling.line_views import LineViews
from signaling.protocol import (
    CallView,
    CaseView,
    ClerkState,
    ClientState,
    ConnectionView,
    KioskState,
    Language,
    OtherView,
    OverflowView,
    PlaceView,
    QualityView,
    VisitView,
    WindowView,
)
from signaling.quality import Qualities
from signaling.switchboard import Switchboard
from signaling.world import World, city_view, matter_view, site_view

RESIDENT_ZH, RESIDENT_EN = "办事人", "Resident"


class NoClient(LookupError):  # noqa: N818
    """This client is no longer known."""


class Views:
    """Makes the state of any client."""

    def __init__(
        self,
        world: World,
        board: Board,
        accounts: Accounts,
        *,
        switchboard: Switchboard,
        exchange: Calls,
        qualities: Qualities,
        hub: Hub,
        lines: LineViews,
        codes: Codes,
    ) -> None:
        self._world, self._board, self._accounts = world, board, accounts
        self._switchboard, self._exchange, self._hub = switchboard, exchange, hub
        self._qualities, self._lines, self._codes = qualities, lines, codes

    async def state(self, who: Identity) -> ClientState:
        """All this client shows now. Raises NoClient."""
        if who.role is Role.KIOSK:
            return await self._kiosk_state(who)
        return await self._clerk_state(who)

    async def visit_view(self, shown: Visit, *, with_code: bool = False) -> VisitView:
        """A visit as its parties see it; the code is the kiosk's alone."""
        standing = await self._board.standing()
        desk = await self._board.window(shown.only_clerk) if shown.only_clerk else None
        return VisitView(
            id=shown.id,
            ticket=shown.ticket,
            code=self._codes.of(shown.id) if with_code else "",
            state=shown.state.value,
            queue=self._lines.queue(standing.rules.queues[shown.queue]),
            priority=shown.priority.value,
            wish=shown.wish,
            language_after_s=standing.rules.queues[shown.queue].language_after_s,
            stays=shown.stays,
            elsewhere=self._elsewhere(shown, standing),
            for_clerk_zh=desk.name_zh if desk else "",
            for_clerk_en=desk.name_en if desk else "",
            served_before=shown.response_s is not None,
            matter=matter_view(self._world.catalogue.matter(shown.matter)),
            city=city_view(self._world.cities[shown.city]),
            site=site_view(self._world.sites[shown.site]),
            language=cast(Language, shown.language)
            if shown.language in get_args(Language)
            else "zh_CN",
            taken_at=shown.taken_at,
            offered_at=shown.offered_at,
            accepted_at=shown.accepted_at,
            ended_at=shown.ended_at,
            ended_by=shown.ended_by,
            rated=shown.rating is not None,
        )

    def _elsewhere(self, shown: Visit, standing: Standing) -> list[OverflowView]:
        """The other cities in which it is listed, with the rule that says so."""
        queues = standing.rules.queues
        found = [
            OverflowView(city_view(self._world.cities[queues[queue].city]), "agreement", 0.0)
            for queue in shown.also
            if queue in queues
        ]
        for partner in (queue for queue in shown.overflowed if queue in queues):
            rule = next(
                (
                    rule
                    for rule in standing.rules.overflows
                    if rule.queue == shown.queue and rule.partner == partner
                ),
                None,
            )
            city = city_view(self._world.cities[queues[partner].city])
            when = rule.when if rule is not None else "agreement"
            found.append(OverflowView(city, when, rule.threshold if rule is not None else 0.0))
        return found

    async def _kiosk_state(self, who: Identity) -> KioskState:
        kiosk = await self._accounts.kiosk(who.id)
        if kiosk is None:
            raise NoClient(who.id)
        site = self._world.sites[kiosk.site]
        shown = await self._board.visit_at_kiosk(KioskId(who.id))
        place = None
        if shown is not None and shown.state in (visit.State.WAITING, visit.State.OFFERED):
            standing = (await self._board.standing()).place(shown)
            place = PlaceView(standing.ahead, standing.expected_wait_s)
        call = self._call(shown)
        return KioskState(
            kiosk=kiosk.id,
            site=site_view(site),
            site_city=city_view(self._world.cities[site.city]),
            visit=await self.visit_view(shown, with_code=True) if shown else None,
            place=place,
            call=await self._call_view(shown, RESIDENT),
            connection=self._connection(who.id, shown, RESIDENT),
            on_hold=call is not None and call.on_hold,
        )

    async def _clerk_state(self, who: Identity) -> ClerkState:
        desk = await self._board.window(ClerkId(who.id))
        if desk is None:
            raise NoClient(who.id)
        held = await self._board.visit_of_clerk(desk.clerk)
        about = (
            await self._board.consult_about(held.id)
            if held is not None
            else await self._board.consult_of_clerk(desk.clerk)
        )
        if held is None and about is not None:
            held = await self._board.visit(about.visit)
        party = self._exchange.party_of(held.id, who.id) if held is not None else None
        return ClerkState(
            name_zh=desk.name_zh,
            name_en=desk.name_en,
            city=city_view(self._world.cities[desk.city]),
            window=WindowView(desk.state.value, desk.since),
            ring_s=self._switchboard.ring_s,
            queues=await self._lines.queues(desk.clerk),
            line=await self._lines.line(desk.clerk, desk.city),
            capacity=desk.capacity,
            aside=await self._lines.aside(desk.clerk),
            visit=await self.visit_view(held) if held else None,
            consult=await self._lines.consult(about, desk.clerk) if about else None,
            case=CaseView(held.notes, held.checked) if held else None,
            call=await self._call_view(held, party) if party is not None else None,
            connection=self._connection(who.id, held, party),
        )

    def _call(self, held: Visit | None) -> Call | None:
        if held is None or held.state is not visit.State.SERVING:
            return None
        return self._switchboard.call_of(held.id)

    def _connection(
        self, client: str, held: Visit | None, party: Party | None
    ) -> ConnectionView | None:
        serving = held is not None and held.state is visit.State.SERVING
        call = self._exchange.call_of(held.id) if held is not None and serving else None
        own = call.paths.get(party) if call is not None and party is not None else None
        if own is not None and own.connection:
            return ConnectionView(own.connection, own.offer)
        if own is not None and self._call(held) is not None:
            return None
        # A warm line that the accept is about to take stays in sight.
        line = self._exchange.line_of(client)
        return ConnectionView(line.connection, line.offer) if line is not None else None

    async def _other(self, held: Visit, party: Party, mode: Mode) -> OtherView:
        client = self._exchange.guests(held.id).get(party) or held.clerk
        desk = await self._board.window(ClerkId(client)) if client else None
        names = (desk.name_zh, desk.name_en) if desk is not None else ("", "")
        return OtherView(party, mode, *names)

    async def _call_view(self, held: Visit | None, party: Party) -> CallView | None:
        call = self._call(held)
        if held is None or call is None:
            return None
        name_zh, name_en = RESIDENT_ZH, RESIDENT_EN
        if party == RESIDENT and held.clerk is not None:
            clerk = await self._board.window(held.clerk)
            if clerk is not None:
                name_zh, name_en = clerk.name_zh, clerk.name_en
        far, own = call.paths[call.far_of(party)], call.paths[party]
        far_client = held.clerk if party == RESIDENT else held.kiosk
        here = self._hub.is_open(far_client) or far.state == "connected"
        shown = ("party",) if party == RESIDENT else ("party", "listen", "whisper")
        quality = self._qualities.level(held.id, party)
        return CallView(
            id=call.id,
            far=far.state if here else "away",
            own=own.state,
            far_name_zh=name_zh,
            far_name_en=name_en,
            started_at=call.talking_since,
            recording=call.recording,
            sound_only="own" if own.sound_only else "far" if far.sound_only else None,
            far_shares=any(path.sharing for p, path in call.paths.items() if p != party),
            hears=call.table[party],
            others=[
                await self._other(held, p, path.mode)
                for p, path in call.paths.items()
                if p not in (party, call.far_of(party)) and path.mode in shown
            ],
            quality=QualityView(*quality) if quality is not None else None,
            party=party,
            desk=call.desk.view,
        )
