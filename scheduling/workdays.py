"""Is this a working day in China? Weekends, public holidays and make-up working days (调休).

Pure. The State Council's notice of each November says it for the year to come, and the library
chinesecalendar follows it. A year that it does not know yet goes by weekdays and by the holidays
whose dates the law itself fixes; such a day is not `certain`. What a city makes of a day is
`duty.py`.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

import chinese_calendar

SATURDAY = 5


class Kind(StrEnum):
    """What sort of day it is."""

    WORKING = "working"
    MAKE_UP = "make_up"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Holiday:
    """What a public holiday is called."""

    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar. `certain` is False where the year's notice is not known."""

    kind: Kind
    holiday: Holiday | None
    certain: bool


# Names as the State Council's notices and China's English-language laws write them.
_NAMES = {
    "New Year's Day": Holiday("元旦", "New Year's Day"),
    "Spring Festival": Holiday("春节", "Spring Festival"),
    "Tomb-sweeping Day": Holiday("清明节", "Tomb-sweeping Day"),
    "Labour Day": Holiday("劳动节", "Labour Day"),
    "Dragon Boat Festival": Holiday("端午节", "Dragon Boat Festival"),
    "National Day": Holiday("国庆节", "National Day"),
    "Mid-autumn Festival": Holiday("中秋节", "Mid-autumn Festival"),
}
_OTHER = Holiday("法定节假日", "Public holiday")
# Regulation on Public Holidays for National Annual Festivals and Memorial Days, 2024, article 2:
# those whose dates do not follow the moon or the sun.
_BY_LAW = {
    (1, 1): _NAMES["New Year's Day"],
    (5, 1): _NAMES["Labour Day"],
    (5, 2): _NAMES["Labour Day"],
    (10, 1): _NAMES["National Day"],
    (10, 2): _NAMES["National Day"],
    (10, 3): _NAMES["National Day"],
}


def known_years() -> tuple[int, int]:
    """The first and the last year whose notice is known."""
    known = chinese_calendar.holidays
    return min(known).year, max(known).year


@lru_cache(maxsize=1024)
def day(on: date) -> Day:
    """What sort of day this is."""
    weekend = on.weekday() >= SATURDAY
    try:
        working = chinese_calendar.is_workday(on)
    except NotImplementedError:  # how the library says that it does not know the year
        if holiday := _BY_LAW.get((on.month, on.day)):
            return Day(Kind.HOLIDAY, holiday, certain=False)
        return Day(Kind.WEEKEND if weekend else Kind.WORKING, None, certain=False)
    if working:
        return Day(Kind.MAKE_UP if weekend else Kind.WORKING, None, certain=True)
    name = chinese_calendar.holidays.get(on)
    if name is None:
        return Day(Kind.WEEKEND, None, certain=True)
    return Day(Kind.HOLIDAY, _NAMES.get(name, _OTHER), certain=True)
