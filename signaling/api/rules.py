"""`/api/cities/{city}/queues`, `/overflows`, `/head-starts`, `/agreements`: rules of routing.

Admins change those of their own city, the lead city's all and the agreements. Whoever changes
something says the `version` they saw; if somebody else has changed it since, 412. Every change is
in the audit log with what it was before. Skills are in `skills.py`.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any, Literal

import msgspec

from scheduling.duty import LOCAL
from scheduling.rulebook import Agreement, Rulebook, head_starts_of, overflows_of
from scheduling.rules import BadRule, Overflow, Priority, Queue, QueueId, When
from scheduling.versions import Stale, version_of
from scheduling.visit import CityCode, MatterCode
from signaling.access import Role
from signaling.api.opening import own_city
from signaling.api.rest import Asked, Nothing, Operation, Problem
from signaling.audit import Audit
from signaling.protocol import CityView
from signaling.world import World, city_view

ADMINS = frozenset({Role.ADMIN})
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Name = Annotated[str, msgspec.Meta(max_length=60)]
Letter = Annotated[str, msgspec.Meta(max_length=4)]
Version = Annotated[str, msgspec.Meta(max_length=32)]
Codes = Annotated[list[Text], msgspec.Meta(max_length=500)]
QUEUE_NAME = r"^[0-9]{6}-[a-z0-9][a-z0-9-]{0,39}\Z"
Changed = Callable[[str], Awaitable[None]]


class QueueBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """All settings of a queue; `version` is of what was seen, "" for a new one."""

    version: Version
    name_zh: Name
    name_en: Name
    letter: Letter
    matters: Codes
    kind: Literal["ordinary", "escalation"] = "ordinary"
    ring_s: float = 20.0
    language_after_s: float = 120.0
    backup_after_s: float = 60.0
    named_after_s: float = 120.0
    may_pull: bool = False
    target_s: float = 60.0
    target_share: float = 0.9
    capacity: int = 2


class QueueRules(msgspec.Struct, kw_only=True):
    """A queue with all its settings, and their version."""

    id: str
    city: str
    version: str
    name_zh: str
    name_en: str
    letter: str
    matters: list[str]
    kind: str
    ring_s: float
    language_after_s: float
    backup_after_s: float
    named_after_s: float
    may_pull: bool
    target_s: float
    target_share: float
    capacity: int


class OverflowBody(msgspec.Struct, forbid_unknown_fields=True):
    """When visits of `queue` are also listed in `partner`.

    `threshold` is seconds (`waited`, `expected_wait`) or a share (`service_level`).
    """

    queue: Text
    partner: Text
    when: When
    threshold: float = 0.0


class OverflowsBody(msgspec.Struct, forbid_unknown_fields=True):
    """All overflow rules of a city's queues."""

    version: Version
    rules: Annotated[list[OverflowBody], msgspec.Meta(max_length=500)]


class PartnerView(msgspec.Struct, kw_only=True):
    """A queue of another city that could help.

    `shares` are the city's own queues that serve some of the same matters, `agreed` those for
    which an agreement is in force too: without one an overflow rule does nothing.
    """

    queue: str
    city: CityView
    name_zh: str
    name_en: str
    shares: list[str]
    agreed: list[str]


class OverflowsView(msgspec.Struct, kw_only=True):
    """The overflow rules of a city, and the queues of others they may lead to."""

    version: str
    rules: list[OverflowBody]
    partners: list[PartnerView]


class HeadStarts(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Seconds that each priority counts as having waited already; ordinary visits have none."""

    version: Version
    booked: float
    elderly: float
    disabled: float
    veteran: float
    infant: float
    returning: float


class AgreementBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Clerks of `partner` may handle these matters of `city`, from day to day (inclusive).

    `always`: listed in both cities at once; `overflow`: only where an overflow rule says so.
    """

    version: Version
    city: Text
    partner: Text
    matters: Codes
    kind: Literal["always", "overflow"]
    valid_from: date
    valid_to: date | None = None


class AgreementView(msgspec.Struct, kw_only=True):
    """An agreement between two cities."""

    id: str
    version: str
    city: CityView
    partner: CityView
    matters: list[str]
    kind: str
    valid_from: date
    valid_to: date | None


class RulesApi:
    """Queues, overflow rules, head starts and agreements. `changed` makes them act at once."""

    def __init__(self, world: World, rulebook: Rulebook, audit: Audit, changed: Changed) -> None:
        self._world, self._rulebook = world, rulebook
        self._audit, self._changed = audit, changed

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/cities/{city}/queues", "The queues of a city", ADMINS,
                self.queues, None, list[QueueRules],
            ),
            Operation(
                "PUT", "/api/cities/{city}/queues/{queue}", "Make or change a queue", ADMINS,
                self.put_queue, QueueBody, QueueRules,
            ),
            Operation(
                "DELETE", "/api/cities/{city}/queues/{queue}", "Take out a queue nobody used",
                ADMINS, self.delete_queue, None, Nothing, ("version",),
            ),
            Operation(
                "GET", "/api/cities/{city}/overflows", "The overflow rules of a city", ADMINS,
                self.overflows, None, OverflowsView,
            ),
            Operation(
                "PUT", "/api/cities/{city}/overflows", "Replace the overflow rules of a city",
                ADMINS, self.put_overflows, OverflowsBody, OverflowsView,
            ),
            Operation(
                "GET", "/api/cities/{city}/head-starts", "The head starts of a city", ADMINS,
                self.head_starts, None, HeadStarts,
            ),
            Operation(
                "PUT", "/api/cities/{city}/head-starts", "Change the head starts of a city",
                ADMINS, self.put_head_starts, HeadStarts, HeadStarts,
            ),
            Operation(
                "GET", "/api/cities/{city}/agreements", "The agreements a city is part of", ADMINS,
                self.agreements, None, list[AgreementView],
            ),
            Operation(
                "PUT", "/api/agreements/{agreement}", "Make or change an agreement", ADMINS,
                self.put_agreement, AgreementBody, AgreementView,
            ),
        ]  # fmt: skip

    async def queues(self, asked: Asked) -> list[QueueRules]:
        """In their order."""
        city = own_city(self._world, asked)
        rules = await self._rulebook.rules()
        return [_queue_view(queue) for queue in rules.queues.values() if queue.city == city]

    async def put_queue(self, asked: Asked) -> QueueRules:
        """Waiting visits stay in the queue they took their ticket for."""
        city, name = self._own_queue(asked)
        given = msgspec.structs.asdict(asked.body)
        version = given.pop("version")
        matters = tuple(MatterCode(matter) for matter in dict.fromkeys(given.pop("matters")))
        queue = Queue(id=name, city=CityCode(city), matters=matters, **given)
        with refused():
            before = await self._rulebook.put_queue(queue, seen=version)
        await self._log(asked, "put_queue", name, before, queue)
        await self._changed(city)
        return _queue_view(queue)

    async def delete_queue(self, asked: Asked) -> Nothing:
        """With its rules and skills; one that has been used stays for the record."""
        city, name = self._own_queue(asked)
        before = (await self._rulebook.rules()).queues.get(name)
        if before is None:
            raise Problem(404, "no such queue")
        with refused():
            await self._rulebook.delete_queue(name, seen=asked.query("version"))
        await self._log(asked, "delete_queue", name, before, None)
        await self._changed(city)
        return Nothing()

    async def overflows(self, asked: Asked) -> OverflowsView:
        """With the queues of other cities that serve some of the same matters."""
        return await self._overflows_view(own_city(self._world, asked), asked)

    async def put_overflows(self, asked: Asked) -> OverflowsView:
        """Visits that wait already are judged by the new rules too."""
        city = own_city(self._world, asked)
        body: OverflowsBody = asked.body
        rules = tuple(
            Overflow(QueueId(r.queue), QueueId(r.partner), r.when, r.threshold) for r in body.rules
        )
        with refused():
            before = await self._rulebook.put_overflows(city, rules, seen=body.version)
        await self._log(asked, "put_overflows", city, before, rules)
        await self._changed(city)
        return await self._overflows_view(city, asked)

    async def head_starts(self, asked: Asked) -> HeadStarts:
        """Also the usual ones that nobody has changed."""
        return await self._head_starts_view(own_city(self._world, asked))

    async def put_head_starts(self, asked: Asked) -> HeadStarts:
        """For tickets taken from now on."""
        city = own_city(self._world, asked)
        given = msgspec.structs.asdict(asked.body)
        version = given.pop("version")
        starts_s = {Priority(name): seconds for name, seconds in given.items()}
        with refused():
            before = await self._rulebook.put_head_starts(city, starts_s, seen=version)
        await self._log(asked, "put_head_starts", city, before, starts_s)
        await self._changed(city)
        return await self._head_starts_view(city)

    async def agreements(self, asked: Asked) -> list[AgreementView]:
        """Of both directions, also those not in force."""
        city = own_city(self._world, asked)
        found = await self._rulebook.agreements()
        return [self._agreement_view(a) for a in found if city in (a.city, a.partner)]

    async def put_agreement(self, asked: Asked) -> AgreementView:
        """By the lead city alone: two others are bound by it. For tickets taken from now on."""
        if not asked.who.lead:
            raise Problem(403, "agreements bind two cities; ask the lead city's admin")
        body: AgreementBody = asked.body
        agreement = Agreement(
            asked.part("agreement"),
            CityCode(body.city),
            CityCode(body.partner),
            tuple(MatterCode(matter) for matter in dict.fromkeys(body.matters)),
            body.kind,
            body.valid_from,
            body.valid_to,
        )
        if len(agreement.id) > 80:
            raise Problem(422, "id: at most 80 characters")
        with refused():
            before = await self._rulebook.put_agreement(agreement, seen=body.version)
        await self._log(asked, "put_agreement", agreement.id, before, agreement)
        await self._changed(body.city)
        return self._agreement_view(agreement)

    async def _log(self, asked: Asked, action: str, obj: str, before: Any, after: Any) -> None:
        detail = {"before": plain(before), "after": plain(after)}
        await self._audit.log(asked.who, action, obj, asked.now, detail)

    def _own_queue(self, asked: Asked) -> tuple[str, QueueId]:
        """City and queue of the path; a name of another city's queue is as unknown as none."""
        city, name = own_city(self._world, asked), asked.part("queue")
        if not name.startswith(f"{city}-"):
            raise Problem(404, "no such queue")
        try:
            return city, QueueId(msgspec.convert(name, _QueueName))
        except msgspec.ValidationError as error:
            raise Problem(
                422, "id: small letters, digits and hyphens after the city's code, at most 40"
            ) from error

    async def _head_starts_view(self, city: str) -> HeadStarts:
        starts_s = head_starts_of(await self._rulebook.rules(), city)
        given = {p.value: seconds for p, seconds in starts_s.items() if p is not Priority.ORDINARY}
        return HeadStarts(version=version_of(starts_s), **given)

    async def _overflows_view(self, city: str, asked: Asked) -> OverflowsView:
        rules = await self._rulebook.rules()
        own = [queue for queue in rules.queues.values() if queue.city == city]
        today = asked.now.astimezone(LOCAL).date()
        agreed = {
            (agreement.partner, matter)
            for agreement in await self._rulebook.agreements()
            if agreement.city == city and agreement.in_force(today)
            for matter in agreement.matters
        }
        kept = overflows_of(rules, city)
        return OverflowsView(
            version=version_of(kept),
            rules=[OverflowBody(r.queue, r.partner, r.when, r.threshold) for r in kept],
            partners=[
                self._partner_view(other, own, agreed)
                for other in rules.queues.values()
                if other.city != city
                if any(set(other.matters) & set(queue.matters) for queue in own)
            ],
        )

    def _partner_view(
        self, other: Queue, own: list[Queue], agreed: set[tuple[CityCode, MatterCode]]
    ) -> PartnerView:
        return PartnerView(
            queue=other.id,
            city=city_view(self._world.cities[other.city]),
            name_zh=other.name_zh,
            name_en=other.name_en,
            shares=[q.id for q in own if set(q.matters) & set(other.matters)],
            agreed=[
                queue.id
                for queue in own
                if any((other.city, m) in agreed for m in set(queue.matters) & set(other.matters))
            ],
        )

    def _agreement_view(self, agreement: Agreement) -> AgreementView:
        return AgreementView(
            id=agreement.id,
            version=version_of(agreement),
            city=city_view(self._world.cities[agreement.city]),
            partner=city_view(self._world.cities[agreement.partner]),
            matters=list(agreement.matters),
            kind=agreement.kind,
            valid_from=agreement.valid_from,
            valid_to=agreement.valid_to,
        )


_QueueName = Annotated[str, msgspec.Meta(pattern=QUEUE_NAME)]


@contextmanager
def refused() -> Iterator[None]:
    """A rule that cannot be is 422 and names its field; one that was changed meanwhile is 412."""
    try:
        yield
    except BadRule as error:
        raise Problem(422, str(error)) from error
    except Stale as error:
        raise Problem(412, str(error)) from error


def plain(value: Any) -> Any:
    """A rule as JSON has it, for the log."""
    return msgspec.to_builtins(value)


def _queue_view(queue: Queue) -> QueueRules:
    given = msgspec.to_builtins(queue)
    return QueueRules(version=version_of(queue), **given)
