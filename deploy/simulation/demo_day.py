"""What does a busy day of the nine cities look like? Made up in code, from the demo world.

Rules, agreements and matters are the demo world's own. The day is the first one after a holiday,
with the clerks of a service that has grown: two peaks, each above what the clerks can do at once,
lunch in four turns, one resident in five with a head start.
"""

from datetime import date
from math import sqrt

from deploy import demo_world
from scheduling.catalogue import Catalogue
from scheduling.rules import Priority, Queue, QueueId, Rules
from scheduling.scenario import SLOTS, Demand, Habits, Lengths, Plan, Scenario
from scheduling.visit import CityCode, ClerkId
from signaling.access import Role

DAY = date(2026, 11, 24)
# Clerks of each city; the visits of a city follow from them.
CLERKS = {"310117": 64, "330400": 48, "330100": 56, "330700": 40, "320500": 56, "330500": 32}
FEWER = 24
WORK_OF_A_CLERK_S = 26_000.0  # that comes in a day; a clerk is on duty for 26,100
# How the visits of a day spread over its half hours from 9:00 to 17:00.
SHAPE = (5, 8, 10, 11, 10, 7, 4, 3, 4, 7, 9, 9, 7, 5, 3, 1)
NINE = 18  # half hours before 9:00
# Of a city's visits, by group of matters.
SHARES = {
    "residence": 14, "social-insurance": 22, "medical-insurance": 20, "housing-fund": 10,
    "real-estate": 7, "archives": 6, "notary": 3, "lawyers": 1, "enterprise": 8, "foreigners": 2,
    "employment": 4, "civil-affairs": 3, "escalation": 0.4,
}  # fmt: skip
PRIORITIES = {
    Priority.BOOKED: 0.06,
    Priority.ELDERLY: 0.10,
    Priority.DISABLED: 0.01,
    Priority.VETERAN: 0.01,
    Priority.INFANT: 0.02,
    Priority.RETURNING: 0.02,
}
LANGUAGES = {"wuu": 0.04, "en": 0.01}
WRAP_UP = Lengths(90.0, cv=0.5)
PATIENCE = Lengths(5400.0, "exponential")
HABITS = Habits(accept_s=6.0, missed=0.02, declined=0.01, back_s=180.0)
CALL_CV = 0.4  # of visits with one and the same matter
TURNS = tuple(((9.0, lunch), (lunch + 0.75, 17.0)) for lunch in (11.0, 11.75, 12.5, 13.25))


def demo_day(visits: float = 1.0) -> Scenario:
    """Rules, residents and clerks of the day, or one with this share of its visits."""
    queues = demo_world.queues()
    rules = Rules({queue.id: queue for queue in queues}, tuple(demo_world.overflows()))
    catalogue = demo_world.catalogue()
    return Scenario(
        rules,
        {queue.id: _demand(queue, rules, catalogue, visits) for queue in queues},
        tuple(plan for city in demo_world.cities() for plan in _plans(city.code)),
        HABITS,
        look_s=30.0,
    )


def service(queue: Queue, catalogue: Catalogue) -> Lengths:
    """The lengths of a queue's calls: its matters as likely as one another, each spread about."""
    minutes = [m.minutes for m in catalogue.all() if m.code in queue.matters]
    mean = sum(minutes) / len(minutes)
    square = sum(m * m for m in minutes) / len(minutes) * (1 + CALL_CV**2)
    return Lengths(60.0 * mean, cv=sqrt(square / mean**2 - 1.0))


def _demand(queue: Queue, rules: Rules, catalogue: Catalogue, share: float) -> Demand:
    group = queue.id.partition("-")[2]
    own = [q for q in rules.queues.values() if q.city == queue.city]
    weights = {q.id: SHARES[q.id.partition("-")[2]] for q in own}
    work_s = sum(
        weight * (service(rules.queues[q], catalogue).mean_s + WRAP_UP.mean_s)
        for q, weight in weights.items()
    )
    visits = share * CLERKS.get(queue.city, FEWER) * WORK_OF_A_CLERK_S / work_s * SHARES[group]
    per_half_hour = [0.0] * SLOTS
    for place, part in enumerate(SHAPE):
        per_half_hour[NINE + place] = visits * part / sum(SHAPE)
    also, allowed = _partners(queue, rules)
    return Demand(
        service(queue, catalogue),
        tuple(per_half_hour),
        wrap_up=WRAP_UP,
        patience=PATIENCE,
        priorities=PRIORITIES,
        languages=LANGUAGES,
        also=also,
        allowed=allowed,
        stay=0.1,
    )


def _partners(queue: Queue, rules: Rules) -> tuple[tuple[QueueId, ...], ...]:
    """Queues of agreements in force: at once, and by overflow."""
    also: list[QueueId] = []
    allowed: list[QueueId] = []
    for agreement in demo_world.agreements():
        if agreement.city != queue.city or not set(queue.matters) <= set(agreement.matters):
            continue
        partner = rules.queue_of(agreement.partner, queue.matters[0])
        if partner is not None:
            (also if agreement.kind == "always" else allowed).append(partner.id)
    return tuple(also), tuple(q for q in allowed if q not in also)


def _plans(city: CityCode) -> list[Plan]:
    """A city's clerks, a quarter of them at lunch at a time, and its supervisor."""
    people = [
        (ClerkId(f"{city}-{number}"), Role.CLERK, number)
        for number in range(CLERKS.get(city, FEWER))
    ]
    people.append((ClerkId(f"{city}-supervisor"), Role.SUPERVISOR, 0))
    return [
        Plan(
            demo_world.skills(clerk, city, role, number),
            tuple((begin * 3600.0, end * 3600.0) for begin, end in TURNS[number % 4]),
        )
        for clerk, role, number in people
    ]
