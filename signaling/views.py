"""What does each client see? The state of a kiosk and of a clerk, read afresh when asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

from scheduling import visit
from scheduling.board import Board
from scheduling.catalogue import Catalogue, Matter
from scheduling.record import City, Site, Visit
from scheduling.visit import ClerkId, KioskId
from signaling.access import Identity, Role
from signaling.accounts import Accounts
from signaling.call import CLERK, RESIDENT, Call, Party, far_of
from signaling.exchange import Exchange
from signaling.hub import Hub
from signaling.protocol import (
    CallView,
    CaseView,
    CityView,
    ClerkState,
    ClientState,
    ConnectionView,
    KioskState,
    Language,
    MaterialView,
    MatterView,
    OtherView,
    PlaceView,
    QualityView,
    QueueEntry,
    SiteView,
    VisitView,
    WindowView,
)
from signaling.quality import Qualities
from signaling.switchboard import Switchboard

RESIDENT_ZH, RESIDENT_EN = "办事人", "Resident"


class NoClient(LookupError):  # noqa: N818
    """This client is no longer known."""


@dataclass(frozen=True, slots=True)
class World:
    """What does not change while the process runs."""

    cities: Mapping[str, City]
    sites: Mapping[str, Site]
    catalogue: Catalogue


def matter_view(matter: Matter) -> MatterView:
    """A matter as pages see it."""
    return MatterView(
        code=matter.code,
        group=matter.group,
        name_zh=matter.name_zh,
        name_en=matter.name_en,
        department_zh=matter.department_zh,
        minutes=matter.minutes,
        cities=list(matter.cities),
        materials=[MaterialView(m.name, m.required) for m in matter.materials],
    )


def city_view(city: City) -> CityView:
    """A city as pages see it."""
    return CityView(city.code, city.name_zh, city.name_en)


def site_view(site: Site) -> SiteView:
    """A site as pages see it."""
    return SiteView(site.id, site.name_zh, site.name_en)


class Views:
    """Makes the state of any client."""

    def __init__(
        self,
        world: World,
        board: Board,
        accounts: Accounts,
        *,
        switchboard: Switchboard,
        exchange: Exchange,
        qualities: Qualities,
        hub: Hub,
    ) -> None:
        self._world, self._board, self._accounts = world, board, accounts
        self._switchboard, self._exchange, self._hub = switchboard, exchange, hub
        self._qualities = qualities

    async def state(self, who: Identity) -> ClientState:
        """All this client shows now. Raises NoClient."""
        if who.role is Role.KIOSK:
            return await self._kiosk_state(who)
        return await self._clerk_state(who)

    def visit_view(self, shown: Visit) -> VisitView:
        """A visit as its parties see it."""
        return VisitView(
            id=shown.id,
            ticket=shown.ticket,
            state=shown.state.value,
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

    async def _kiosk_state(self, who: Identity) -> KioskState:
        kiosk = await self._accounts.kiosk(who.id)
        if kiosk is None:
            raise NoClient(who.id)
        site = self._world.sites[kiosk.site]
        shown = await self._board.visit_at_kiosk(KioskId(who.id))
        place = None
        if shown is not None and shown.state in (visit.State.WAITING, visit.State.OFFERED):
            standing = await self._board.place(shown)
            place = PlaceView(standing.ahead, standing.expected_wait_s)
        return KioskState(
            kiosk=kiosk.id,
            site=site_view(site),
            site_city=city_view(self._world.cities[site.city]),
            visit=self.visit_view(shown) if shown else None,
            place=place,
            call=await self._call_view(shown, RESIDENT),
            connection=self._connection(who.id, shown, RESIDENT),
        )

    async def _clerk_state(self, who: Identity) -> ClerkState:
        desk = await self._board.window(ClerkId(who.id))
        if desk is None:
            raise NoClient(who.id)
        held = await self._board.visit_of_clerk(desk.clerk)
        return ClerkState(
            name_zh=desk.name_zh,
            name_en=desk.name_en,
            city=city_view(self._world.cities[desk.city]),
            window=WindowView(desk.state.value, desk.since),
            ring_s=self._switchboard.ring_s,
            line=[self._entry(waiting) for waiting in await self._board.queue(desk.city)],
            visit=self.visit_view(held) if held else None,
            case=CaseView(held.notes, held.checked) if held else None,
            call=await self._call_view(held, CLERK),
            connection=self._connection(who.id, held, CLERK),
        )

    def _entry(self, waiting: Visit) -> QueueEntry:
        matter = self._world.catalogue.matter(waiting.matter)
        site = self._world.sites[waiting.site]
        return QueueEntry(
            waiting.ticket,
            matter.name_zh,
            matter.name_en,
            site.name_zh,
            site.name_en,
            waiting.taken_at,
        )

    def _call(self, held: Visit | None) -> Call | None:
        if held is None or held.state is not visit.State.SERVING:
            return None
        return self._switchboard.call_of(held.id)

    def _connection(self, client: str, held: Visit | None, party: Party) -> ConnectionView | None:
        serving = held is not None and held.state is visit.State.SERVING
        call = self._exchange.call_of(held.id) if held is not None and serving else None
        own = call.paths[party] if call is not None else None
        if own is not None and own.connection:
            return ConnectionView(own.connection, own.offer)
        if self._call(held) is not None:
            return None
        # A warm line that the accept is about to take stays in sight.
        line = self._exchange.line_of(client)
        return ConnectionView(line.connection, line.offer) if line is not None else None

    async def _call_view(self, held: Visit | None, party: Party) -> CallView | None:
        call = self._call(held)
        if held is None or call is None:
            return None
        name_zh, name_en = RESIDENT_ZH, RESIDENT_EN
        if party == RESIDENT and held.clerk is not None:
            clerk = await self._board.window(held.clerk)
            if clerk is not None:
                name_zh, name_en = clerk.name_zh, clerk.name_en
        far, own = call.paths[far_of(party)], call.paths[party]
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
            others=[
                OtherView(p, path.mode)
                for p, path in call.paths.items()
                if p not in (RESIDENT, CLERK) and path.mode in shown
            ],
            quality=QualityView(*quality) if quality is not None else None,
        )
