"""Who was answered within the minute: each end of a wait, queue by queue and hour by hour."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from deploy import demo_world
from scheduling.rulebook import Rulebook
from scheduling.rules import QueueId
from scheduling.service_level import Level, ServiceLevel, ServiceLevels
from scheduling.visit import ClerkId
from tests.scheduling.office import CLERK, HANGZHOU, JIAXING, OTHER_CLERK, SITE, Office, office
from tests.support.worlds import World

MEDICAL, HOUSING = QueueId(f"{JIAXING}-medical-insurance"), QueueId(f"{JIAXING}-housing-fund")
LATE_EVENING = datetime(2026, 11, 23, 15, 58, tzinfo=UTC)  # 23:58 in Shanghai


async def level(at: Office, queue: QueueId = MEDICAL) -> ServiceLevel:
    found = await ServiceLevels(at.engine).today(at.now)
    return next(one for one in found if one.queue == queue)


async def answered(at: Office, after_s: float, kiosk: str = "kiosk-1") -> None:
    """A visit that a clerk accepts so many seconds after its ticket."""
    taken = await at.take(kiosk)
    await at.ready()
    (offered,) = await at.offer(kiosk)
    at.now = taken.taken_at + timedelta(seconds=after_s)
    await at.offers.accept(offered.id, CLERK, at.now)


async def test_nothing_is_known_of_a_day_on_which_nobody_came(world: World) -> None:
    async with office(world) as at:
        now = await level(at)
        assert (now.today, now.today.share, now.hours) == (Level(), None, {})
        assert not now.warns


async def test_who_is_answered_within_the_target_was_answered_in_time(world: World) -> None:
    async with office(world) as at:
        await answered(at, after_s=60.0)
        now = await level(at)
        assert (now.today, now.today.share) == (Level(1, 1), 1.0)
        assert now.hours == {12: Level(1, 1)}
        assert not now.warns
        assert (await level(at, HOUSING)).today == Level()


async def test_who_is_answered_later_was_not(world: World) -> None:
    async with office(world) as at:
        await answered(at, after_s=60.5)
        now = await level(at)
        assert (now.today, now.today.share) == (Level(1, 0), 0.0)
        assert now.warns


async def test_each_queue_has_a_target_of_its_own(world: World) -> None:
    async with office(world) as at:
        book = Rulebook(at.engine, demo_world.catalogue())
        queue = (await book.rules()).queues[MEDICAL]
        await book.put_queue(replace(queue, target_s=90.0, target_share=0.5))
        await answered(at, after_s=80.0)
        now = await level(at)
        assert (now.target_s, now.target_share, now.today) == (90.0, 0.5, Level(1, 1))


async def test_who_leaves_early_counts_for_nothing_and_who_leaves_late_was_missed(
    world: World,
) -> None:
    async with office(world) as at:
        early, late = await at.take("kiosk-1"), await at.take("kiosk-2")
        await at.desk.leave(early.id, "kiosk-1", early.taken_at + timedelta(seconds=30))
        await at.desk.leave(late.id, "kiosk-2", late.taken_at + timedelta(seconds=61))
        at.later(120)
        assert (await level(at)).today == Level(1, 0)


async def test_who_still_waits_is_at_risk_before_the_target_and_missed_after_it(
    world: World,
) -> None:
    async with office(world) as at:
        taken = await at.take()
        for after_s, at_risk, counted in ((39, 0, 0), (40, 1, 0), (60, 1, 0), (61, 0, 1)):
            at.now = taken.taken_at + timedelta(seconds=after_s)
            now = await level(at)
            assert (now.at_risk, now.today) == (at_risk, Level(counted, 0)), after_s
            assert now.warns == (after_s >= 40)


async def test_a_visit_that_rings_still_waits(world: World) -> None:
    async with office(world) as at:
        rung = await at.ringing()
        at.now = rung.taken_at + timedelta(seconds=61)
        assert (await level(at)).today == Level(1, 0)


async def test_a_transferred_visit_counts_by_its_first_answer_where_it_is_now(
    world: World,
) -> None:
    async with office(world) as at:
        served = await at.serving()
        await at.transfers.transfer(
            served.id, CLERK, queue=HOUSING, only=None, ready=False, now=at.later()
        )
        at.later(600)  # the second wait is no first response
        assert (await level(at)).today == Level()
        now = await level(at, HOUSING)
        assert (now.today, now.at_risk) == (Level(1, 1), 0)


async def test_a_visit_that_lost_its_clerk_was_answered_all_the_same(world: World) -> None:
    async with office(world) as at:
        await at.serving()
        await at.offers.lose_clerk(CLERK, at.later())
        at.later(600)
        assert (await level(at)).today == Level(1, 1)


async def test_who_comes_back_later_is_waiting_again_from_then_on(world: World) -> None:
    async with office(world) as at:
        taken = await at.take()
        await at.desk.come_back_later(taken.id, "13812345678", at.later(20))
        at.later(3600)
        assert (await level(at)).today == Level()
        code = at.codes.of(taken.id)
        back = await at.desk.come_back(taken.kiosk, SITE, taken.ticket, code, at.later())
        at.now = back.waits_since + timedelta(seconds=45)
        assert ((await level(at)).at_risk, (await level(at)).today) == (1, Level())
        await at.ready()
        (offered,) = await at.offer(taken.kiosk)
        await at.offers.accept(offered.id, CLERK, back.waits_since + timedelta(seconds=55))
        assert (await level(at)).today == Level(1, 1)


async def test_who_went_away_and_never_came_back_was_not_missed(world: World) -> None:
    async with office(world) as at:
        taken = await at.take()
        away = await at.desk.come_back_later(taken.id, "13812345678", at.later(20))
        await at.desk.leave(away.id, "abandoned", at.later(3600))
        assert (await level(at)).today == Level()


async def test_a_day_begins_at_midnight_in_shanghai_and_so_do_its_hours(world: World) -> None:
    async with office(world) as at:
        at.now = LATE_EVENING
        await answered(at, after_s=10.0, kiosk="kiosk-1")
        at.now = LATE_EVENING + timedelta(seconds=80)
        last = await at.take("kiosk-2")  # 23:59:21
        assert (await level(at)).hours == {23: Level(1, 1)}
        at.now = LATE_EVENING + timedelta(seconds=125)  # five seconds past midnight
        now = await level(at)
        assert (now.today, now.hours) == (Level(), {})
        assert now.at_risk == 1  # the last of yesterday still waits, 44 s
        at.later(120)
        assert ((await level(at)).today, (await level(at)).at_risk) == (Level(), 0)
        await at.take("kiosk-3")
        at.later(61)
        assert (await level(at)).hours == {0: Level(1, 0)}
        await at.desk.leave(last.id, "kiosk-2", at.later())
        assert (await level(at)).hours == {0: Level(1, 0)}


async def test_a_city_sees_its_own_queues_alone(world: World) -> None:
    async with office(world) as at:
        found = await ServiceLevels(at.engine).today(at.now, [HANGZHOU])
        assert found
        assert {one.queue[:6] for one in found} == {HANGZHOU}


async def test_two_clerks_and_three_residents_make_a_share(world: World) -> None:
    async with office(world) as at:
        await answered(at, after_s=10.0, kiosk="kiosk-1")
        taken = await at.take("kiosk-2")
        await at.ready(OTHER_CLERK)
        (offered,) = await at.offer("kiosk-2")
        await at.offers.accept(offered.id, ClerkId(OTHER_CLERK), at.later())
        waiting = await at.take("kiosk-3")
        at.now = waiting.taken_at + timedelta(seconds=90)
        now = await level(at)
        assert now.today == Level(3, 2)
        assert now.today.share == 2 / 3
        assert now.warns
        assert taken.id != waiting.id
