"""Which matters are there, and which one does this resident mean? The catalogue and its search.

A matter is found by its Chinese or English name, its everyday words, its pinyin or the initials
of its pinyin; when nothing matches as typed, by the share of neighbouring characters.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pypinyin import Style, lazy_pinyin

from scheduling.visit import CityCode, MatterCode


@dataclass(frozen=True, slots=True)
class Material:
    """A paper to bring; a deferrable one may follow later under a commitment."""

    name: str
    required: bool


@dataclass(frozen=True, slots=True)
class Matter:
    """What can be applied for. `minutes` is the usual length of its call; `words` are plain."""

    code: MatterCode
    group: str
    name_zh: str
    name_en: str
    department_zh: str
    minutes: int
    cities: tuple[CityCode, ...]
    materials: tuple[Material, ...]
    words: tuple[str, ...]


class UnknownMatter(LookupError):  # noqa: N818
    """No such matter, or not in this city."""


@dataclass(frozen=True, slots=True)
class _Entry:
    matter: Matter
    names: tuple[str, ...]
    pinyin: tuple[str, ...]
    initials: tuple[str, ...]
    pairs: frozenset[str]


class Catalogue:
    """All matters, in the order of their groups."""

    def __init__(self, matters: Iterable[Matter]) -> None:
        self._entries = {matter.code: _entry(matter) for matter in matters}
        self.groups = tuple(dict.fromkeys(e.matter.group for e in self._entries.values()))

    def all(self) -> list[Matter]:
        """Every matter, in catalogue order."""
        return [entry.matter for entry in self._entries.values()]

    def matter(self, code: str, city: str | None = None) -> Matter:
        """One matter, competent in `city` if given. Raises UnknownMatter."""
        entry = self._entries.get(MatterCode(code))
        if entry is None or (city is not None and city not in entry.matter.cities):
            raise UnknownMatter(f"no matter {code}" + (f" in {city}" if city else ""))
        return entry.matter

    def search(self, query: str) -> list[Matter]:
        """The matters a resident may mean, best first; all of them for an empty query."""
        if not _fold(query):
            return self.all()
        if found := self.named(query):
            return found
        pairs = _pairs(_fold(query))
        return _best((_likeness(pairs, e.pairs), e.matter) for e in self._entries.values())

    def named(self, query: str) -> list[Matter]:
        """The matters with these very words in their names, best first; none if only alike."""
        wanted = _fold(query)
        if not wanted:
            return []
        return _best((_score(wanted, e), e.matter) for e in self._entries.values())


def _best(scored: Iterable[tuple[float, Matter]]) -> list[Matter]:
    return [m for score, m in sorted(scored, key=lambda s: -s[0]) if score > 0]


def _entry(matter: Matter) -> _Entry:
    names = tuple(_fold(n) for n in (matter.name_zh, matter.name_en, *matter.words))
    spelled: Sequence[str] = (matter.name_zh, *matter.words)
    return _Entry(
        matter,
        (*names, _fold(matter.code)),
        tuple(_fold("".join(lazy_pinyin(text))) for text in spelled),
        tuple(_fold("".join(lazy_pinyin(text, style=Style.FIRST_LETTER))) for text in spelled),
        frozenset().union(*(_pairs(name) for name in names)),
    )


def _fold(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _pairs(text: str) -> frozenset[str]:
    return frozenset(text[i : i + 2] for i in range(len(text) - 1))


def _score(wanted: str, entry: _Entry) -> float:
    """How well a folded query fits: whole before beginning before inside, names before pinyin."""
    best = 0.0
    for weight, texts, shortest in (
        (3.0, entry.names, 1), (2.0, entry.pinyin, 2), (1.5, entry.initials, 2),
    ):  # fmt: skip
        if len(wanted) < shortest:
            continue
        for text in texts:
            if text == wanted:
                best = max(best, weight + 0.3)
            elif text.startswith(wanted):
                best = max(best, weight + 0.2)
            elif wanted in text:
                best = max(best, weight)
    return best


def _likeness(wanted: frozenset[str], pairs: frozenset[str]) -> float:
    share = len(wanted & pairs) / len(wanted) if wanted else 0.0
    return share if share >= 0.3 else 0.0
