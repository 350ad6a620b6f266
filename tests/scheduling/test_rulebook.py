"""The rulebook keeps rules that can be, refuses others whole, and knows who saw what."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deploy import demo_world
from scheduling.imports import BadImport
from scheduling.rulebook import Agreement, Rulebook, head_starts_of, overflows_of
from scheduling.rules import (
    HEAD_STARTS_S,
    BadRule,
    Level,
    Overflow,
    Priority,
    Queue,
    QueueId,
    Skills,
)
from scheduling.tables import visits
from scheduling.versions import NEW, Stale, version_of
from scheduling.visit import CityCode, ClerkId, MatterCode
from tests.scheduling.office import CLERK, HANGZHOU, JIAXING, OTHER_CLERK, Office, office
from tests.support.worlds import World

SONGJIANG = "310117"
MEDICAL, HOUSING = QueueId(f"{JIAXING}-medical-insurance"), QueueId(f"{JIAXING}-housing-fund")
AT_HOME, ELSEWHERE = QueueId(f"{SONGJIANG}-housing-fund"), QueueId(f"{HANGZHOU}-housing-fund")


def rulebook(at: Office) -> Rulebook:
    return Rulebook(at.engine, demo_world.catalogue())


async def queue(book: Rulebook, name: QueueId = MEDICAL) -> Queue:
    return (await book.rules()).queues[name]


def refused(field: str) -> Any:
    return pytest.raises(BadRule, match=f"^{field}: ".replace("[", r"\[").replace("]", r"\]"))


# Queues


async def test_a_queue_is_kept_as_it_was_put(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        before = await queue(book)
        after = replace(before, ring_s=30.0, may_pull=True, target_share=0.8)
        assert await book.put_queue(after) == before
        assert await queue(book) == after


async def test_a_new_queue_comes_after_the_others_of_its_city(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        medical = await queue(book)
        code = medical.matters[-1]
        await book.put_queue(replace(medical, matters=medical.matters[:-1]))
        added = replace(
            medical,
            id=QueueId(f"{JIAXING}-new"),
            name_zh="新",
            name_en="New",
            letter="X",
            matters=(code,),
        )
        assert await book.put_queue(added, seen=NEW) is None
        own = [q.id for q in (await book.rules()).queues.values() if q.city == JIAXING]
        assert own[-1] == added.id
        assert (await book.rules()).queue_of(JIAXING, code) == added


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("matters", {"matters": (MatterCode("XX-99"),)}),
        ("matters", {"matters": (MatterCode("GJ-01"),)}),
        ("letter", {"letter": "D"}),
        ("ring_s", {"ring_s": 0.0}),
        ("city", {"city": CityCode(HANGZHOU)}),
    ],
)
async def test_a_queue_that_cannot_be_leaves_everything_as_it_was(
    world: World, field: str, wrong: dict[str, Any]
) -> None:
    async with office(world) as at:
        book = rulebook(at)
        before = await book.rules()
        with refused(field):
            await book.put_queue(replace(await queue(book), **wrong))
        assert await book.rules() == before


async def test_a_matter_of_an_overflow_rule_cannot_leave_its_queue_unnoticed(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        partner = await queue(book, HOUSING)
        medical = await queue(book)
        await book.put_queue(replace(medical, matters=medical.matters[:1]))
        with refused("matters"):
            await book.put_queue(replace(partner, matters=medical.matters[1:2]))
        assert await queue(book, HOUSING) == partner


async def test_a_queue_nobody_used_goes_with_its_rules_and_skills(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        await book.delete_queue(HOUSING)
        rules = await book.rules()
        assert HOUSING not in rules.queues
        assert all(HOUSING not in (r.queue, r.partner) for r in rules.overflows)
        assert all(HOUSING not in s.levels for s in (await book.skills()).values())


async def test_a_queue_that_was_used_stays_for_the_record(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        await at.take()
        with refused("queue"):
            await book.delete_queue(MEDICAL)
        assert MEDICAL in (await book.rules()).queues


async def test_a_queue_in_whose_line_visits_of_another_city_stand_stays_until_they_are_done(
    world: World,
) -> None:
    async with office(world) as at:
        book = rulebook(at)
        partner = QueueId("320500-lawyers")  # shares Songjiang's lawyers' matters by agreement
        held = await at.take(matter="LS-01", city=SONGJIANG)
        assert held.also == [partner]
        with refused("queue"):
            await book.delete_queue(partner)
        await at.desk.leave(held.id, held.kiosk, at.later())
        await book.delete_queue(partner)
        assert partner not in (await book.rules()).queues


async def test_a_queue_that_went_while_a_ticket_was_taken_is_in_no_line(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        partner = QueueId("320500-lawyers")
        await book.delete_queue(partner)
        held = await at.take(matter="LS-01", city=SONGJIANG)
        async with at.engine.begin() as connection:
            await connection.execute(
                sa.update(visits).where(visits.c.id == held.id).values(also=[partner])
            )
        await at.ready("songjiang1")
        (offered,) = await at.offer(held.kiosk)
        assert (offered.id, offered.clerk) == (held.id, "songjiang1")


# Overflow


def over(queue: QueueId, partner: QueueId, threshold: float = 60.0) -> Overflow:
    return Overflow(queue, partner, "waited", threshold)


async def test_overflow_rules_of_one_city_are_replaced_and_no_others(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        before = overflows_of(await book.rules(), SONGJIANG)
        wanted = [over(HOUSING, ELSEWHERE)]
        assert await book.put_overflows(JIAXING, wanted) == ()
        assert overflows_of(await book.rules(), JIAXING) == tuple(wanted)
        assert overflows_of(await book.rules(), SONGJIANG) == before
        assert await book.put_overflows(JIAXING, []) == tuple(wanted)


async def test_rules_of_two_cities_that_form_a_circle_are_refused(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        with refused("overflows[0].partner"):  # Songjiang overflows into Jiaxing
            await book.put_overflows(JIAXING, [over(HOUSING, AT_HOME)])
        assert overflows_of(await book.rules(), JIAXING) == ()


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("overflows[1].queue", over(QueueId("nowhere"), HOUSING)),
        ("overflows[1].queue", over(ELSEWHERE, HOUSING)),
        ("overflows[1].partner", over(HOUSING, QueueId("nowhere"))),
        ("overflows[1].partner", over(HOUSING, MEDICAL)),
        ("overflows[1].partner", over(MEDICAL, ELSEWHERE)),
        ("overflows[1].threshold", over(MEDICAL, QueueId(f"{HANGZHOU}-medical-insurance"), -1.0)),
    ],
)
async def test_one_bad_overflow_rule_keeps_the_good_ones_out_too(
    world: World, field: str, rule: Overflow
) -> None:
    async with office(world) as at:
        book = rulebook(at)
        with refused(field):
            await book.put_overflows(JIAXING, [over(HOUSING, ELSEWHERE), rule])
        assert overflows_of(await book.rules(), JIAXING) == ()


# Head starts


async def test_head_starts_are_a_citys_own_and_go_for_tickets_from_then_on(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        before = await at.desk.take_ticket(**ticket(at, "kiosk-1", Priority.ELDERLY))
        starts = {Priority.ELDERLY: 1200.0, Priority.INFANT: 1200.0}
        assert await book.put_head_starts(JIAXING, starts) == HEAD_STARTS_S
        after = await at.desk.take_ticket(**ticket(at, "kiosk-2", Priority.INFANT))
        assert before.taken_at - before.virtual_at == timedelta(minutes=10)
        assert after.taken_at - after.virtual_at == timedelta(minutes=20)
        rules = await book.rules()
        assert head_starts_of(rules, JIAXING)[Priority.ELDERLY] == 1200.0
        assert head_starts_of(rules, HANGZHOU) == HEAD_STARTS_S


def ticket(at: Office, kiosk: str, priority: Priority) -> Any:
    return {
        "kiosk": kiosk, "site": demo_world.KIOSK_SITE, "city": JIAXING, "matter": "YB-01",
        "language": "zh_CN", "notice_version": "2026-11", "now": at.later(), "priority": priority,
    }  # fmt: skip


async def test_head_starts_under_which_others_starve_are_refused(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        for priority, seconds in (
            (Priority.ELDERLY, 4 * 3600.0 + 1),
            (Priority.INFANT, -1.0),
            (Priority.ORDINARY, 1.0),
        ):
            with refused(f"head_starts_s.{priority}"):
                await book.put_head_starts(JIAXING, {Priority.VETERAN: 60.0, priority: seconds})
        assert head_starts_of(await book.rules(), JIAXING) == HEAD_STARTS_S


# Skills


async def test_skills_of_several_clerks_are_changed_together_or_not_at_all(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        before = await book.skills()
        good = Skills(CLERK, {MEDICAL: Level.BACKUP}, frozenset(("cmn", "csl")), 0)
        for field, bad in (
            ("clerk", replace(good, clerk=ClerkId("nobody"))),
            ("levels", replace(good, clerk=OTHER_CLERK, levels={QueueId("none"): Level.PRIMARY})),
            ("languages", replace(good, clerk=OTHER_CLERK, languages=frozenset(("tlh",)))),
            ("capacity", replace(good, clerk=OTHER_CLERK, capacity=9)),
            ("clerk", good),
        ):
            with refused(field):
                await book.put_skills([good, bad])
            assert await book.skills() == before
        assert await book.put_skills([good]) == {CLERK: before[CLERK]}
        assert await book.skills() == before | {CLERK: good}


def sheet(*rows: str) -> bytes:
    return "\r\n".join(["clerk,queue,level,languages,capacity", *rows]).encode("utf-8-sig")


async def test_a_spreadsheet_changes_what_it_names_and_nothing_else(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        before = await book.skills()
        content = sheet(
            f"{CLERK},{MEDICAL},backup,cmn;csl,3",
            f"{CLERK},{HOUSING},无,,",
            f"{OTHER_CLERK},{MEDICAL},Secondary",
        )
        _, was, after = await book.take_in_skills(JIAXING, content, dry_run=True)
        assert await book.skills() == before
        _, _, kept = await book.take_in_skills(JIAXING, content, dry_run=False)
        now = await book.skills()
        assert (kept, [now[one.clerk] for one in kept]) == (after, after)
        assert was[CLERK] == before[CLERK]
        levels = {q: lv for q, lv in before[CLERK].levels.items() if q != HOUSING}
        assert now[CLERK].levels == levels | {MEDICAL: Level.BACKUP}
        assert (now[CLERK].languages, now[CLERK].capacity) == (frozenset(("cmn", "csl")), 3)
        assert now[OTHER_CLERK].languages == before[OTHER_CLERK].languages
        others = before.keys() - {CLERK, OTHER_CLERK}
        assert all(now[clerk] == before[clerk] for clerk in others)


async def test_every_bad_row_of_a_spreadsheet_is_told_and_no_good_one_is_taken(
    world: World,
) -> None:
    async with office(world) as at:
        book = rulebook(at)
        before = await book.skills()
        content = sheet(
            f"{CLERK},{MEDICAL},primary,cmn,1",
            f"hangzhou1,{MEDICAL},primary,cmn,1",
            f"{CLERK},{ELSEWHERE},primary,cmn,1",
            f"{CLERK},{HOUSING},best,tlh,9",
            f"{CLERK},{MEDICAL},backup,cmn,1",
            f"{CLERK},{JIAXING}-notary,primary,en,2",
            f",{HOUSING},primary",
        )
        with pytest.raises(BadImport) as refused:
            await book.take_in_skills(JIAXING, content, dry_run=False)
        assert [(fault.line, fault.column) for fault in refused.value.faults] == [
            (3, "clerk"),
            (4, "queue"),
            (5, "capacity"),
            (5, "languages"),
            (5, "level"),
            (6, "queue"),
            (7, "capacity"),
            (7, "languages"),
            (8, "clerk"),
        ]
        assert await book.skills() == before


# Agreements


def agreement(**changes: Any) -> Agreement:
    made = Agreement(
        "a",
        CityCode(JIAXING),
        CityCode(HANGZHOU),
        (MatterCode("GJ-02"),),
        "always",
        date(2026, 11, 1),
    )
    return replace(made, **changes)


async def test_an_agreement_is_kept_and_its_terms_changed(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        assert await book.put_agreement(agreement()) is None
        ended = agreement(valid_to=date(2026, 11, 30))
        assert await book.put_agreement(ended) == agreement()
        assert ended in await book.agreements()
        days = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 30), date(2026, 12, 1)]
        assert [ended.in_force(day) for day in days] == [False, True, True, False]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("partner", {"partner": CityCode(JIAXING)}),
        ("partner", {"partner": CityCode("999999")}),
        ("city", {"city": CityCode("999999")}),
        ("matters", {"matters": ()}),
        ("matters", {"matters": (MatterCode("XX-99"),)}),
        ("valid_to", {"valid_to": date(2026, 10, 31)}),
    ],
)
async def test_an_agreement_that_cannot_be_is_refused_with_its_field(
    world: World, field: str, wrong: dict[str, Any]
) -> None:
    async with office(world) as at:
        book = rulebook(at)
        before = await book.agreements()
        with refused(field):
            await book.put_agreement(agreement(**wrong))
        assert await book.agreements() == before


# Two admins at once


async def test_whoever_saw_an_older_version_changes_nothing(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        before = await queue(book)
        rules = await book.rules()
        skills = (await book.skills())[CLERK]
        await book.put_queue(replace(before, ring_s=25.0), seen=version_of(before))
        await book.put_overflows(JIAXING, [over(HOUSING, ELSEWHERE)], seen=version_of(()))
        seen_starts = version_of(head_starts_of(rules, JIAXING))
        await book.put_head_starts(JIAXING, {Priority.INFANT: 60.0}, seen=seen_starts)
        await book.put_skills([replace(skills, capacity=3)], seen={CLERK: version_of(skills)})
        await book.put_agreement(agreement(), seen=NEW)
        now = await book.rules(), await book.skills(), await book.agreements()
        with pytest.raises(Stale, match="somebody else"):
            await book.put_queue(replace(before, ring_s=35.0), seen=version_of(before))
        with pytest.raises(Stale):
            await book.put_queue(before, seen=NEW)
        with pytest.raises(Stale):
            await book.delete_queue(MEDICAL, seen=version_of(before))
        with pytest.raises(Stale):
            await book.put_overflows(JIAXING, [], seen=version_of(()))
        with pytest.raises(Stale):
            await book.put_head_starts(JIAXING, {}, seen=seen_starts)
        with pytest.raises(Stale):
            await book.put_skills([skills], seen={CLERK: version_of(skills)})
        with pytest.raises(Stale):
            await book.put_agreement(agreement(kind="overflow"), seen=NEW)
        assert (await book.rules(), await book.skills(), await book.agreements()) == now


async def test_of_several_changes_at_once_one_is_made_and_the_others_are_told(
    world: World,
) -> None:
    async with office(world) as at:
        book = rulebook(at)
        before = await queue(book)
        done = await asyncio.gather(
            *(
                book.put_queue(replace(before, ring_s=20.0 + n), seen=version_of(before))
                for n in range(1, 6)
            ),
            return_exceptions=True,
        )
        assert [one for one in done if not isinstance(one, Stale)] == [before]


async def test_two_cities_that_change_rules_at_once_form_no_circle(world: World) -> None:
    async with office(world) as at:
        book = rulebook(at)
        done = await asyncio.gather(
            book.put_overflows(JIAXING, [over(HOUSING, ELSEWHERE)]),
            book.put_overflows(HANGZHOU, [over(ELSEWHERE, HOUSING)]),
            return_exceptions=True,
        )
        assert sorted(isinstance(one, BadRule) for one in done) == [False, True]
