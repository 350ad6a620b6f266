"""Which papers does a resident get? Ticket, receipt, acceptance notice, commitment letter, as PDF.

The official text is Chinese; who reads English gets the translation beneath it. Notice and letter
have empty signature fields, `resident` and `city`, where `signing.py` puts the signatures. The
wording is in the templates under `typst/`; how a PDF is made in `typesetting.py`; what the
receipt's code says in `receipt_code.py`. Knows nothing of visits and queues: who prints a paper
fills in its values.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import segno

from media.materials import fields, receipt_code
from media.materials.typesetting import Template, Typesetter

LOCAL = ZoneInfo("Asia/Shanghai")

Language = Literal["zh_CN", "en"]
Stock = Literal["a4", "roll"]
MaterialState = Literal["received", "fetched", "deferred", "rejected", "missing"]

_WHOLE_ID_NUMBER = re.compile(r"\d{17}[\dXx]|\d{15}")


class NotForPaper(ValueError):  # noqa: N818
    """A value must not be printed as it is; the text names the field."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name in both languages; `en` may be empty."""

    zh: str
    en: str = ""


@dataclass(frozen=True, slots=True)
class MaterialLine:
    """A material of the matter, and how it stands; `due` is for a deferred one."""

    name: Named
    state: MaterialState
    due: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What is printed when a number is taken: no name, only number and code.

    `wait_minutes` is the least and the most that is expected; times are aware.
    """

    language: Language
    number: str
    code: str
    matter: Named
    city: Named
    site: Named
    kiosk: str
    taken_at: datetime
    ahead: int | None = None
    wait_minutes: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """办事回执: what came of the visit. The resident's name is printed masked: paper is left lying.

    `number` and `check` are those of `receipt_code.py`.
    """

    language: Language
    number: str
    check: str
    matter: Named
    office: Named
    site: Named
    resident: str
    clerk: Named
    outcome: receipt_code.OutcomeName
    served_at: datetime
    materials: tuple[MaterialLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signable:
    """What every paper says that is to be signed. `id_number` is masked already."""

    language: Language
    number: str
    matter_code: str
    matter: Named
    office: Named
    site: Named
    kiosk: str
    resident: str
    id_number: str
    clerk: Named
    clerk_number: str
    materials: tuple[MaterialLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceNotice(Signable):
    """受理通知书. `decided_by` is the day of the decision, if set.

    It says that materials are deferred as soon as one is.
    """

    accepted_at: datetime
    decided_by: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentLetter(Signable):
    """容缺受理告知承诺书: which materials follow by when, and what the resident commits to.

    `materials` are the deferred ones, each with a date.
    """

    told_at: datetime


class Papers:
    """Makes papers. Blocks for some tens of milliseconds; call it in a thread."""

    def __init__(self, typesetter: Typesetter) -> None:
        self._typesetter = typesetter

    def ticket(self, ticket: Ticket, stock: Stock) -> bytes:
        """On A4 or on a roll of 80 mm (72 mm printed), as long as it gets."""
        values = {
            **asdict(ticket),
            "stock": stock,
            "wait": ticket.wait_minutes,
            "taken_at": _moment(ticket.taken_at),
        }
        return self._plain("ticket", values, ticket.taken_at)

    def receipt(self, receipt: Receipt, stock: Stock) -> bytes:
        """On A4 or on a roll of 80 mm; with the QR code."""
        code = segno.make(receipt_code.text(receipt.number, receipt.check), error="m", micro=False)
        values = {
            **asdict(receipt),
            "stock": stock,
            "resident": masked(receipt.resident),
            "served_at": _moment(receipt.served_at),
            "materials": _lines(receipt.materials),
            "qr": ["".join("1" if dark else "0" for dark in row) for row in code.matrix],
        }
        return self._plain("receipt", values, receipt.served_at)

    def notice(self, notice: AcceptanceNotice) -> bytes:
        """On A4, to be signed. Raises NotForPaper for an ID number that is not masked."""
        values = {
            **asdict(notice),
            "accepted_at": _day(notice.accepted_at.astimezone(LOCAL).date()),
            "decided_by": notice.decided_by and _day(notice.decided_by),
            "deferred": any(line.state == "deferred" for line in notice.materials),
            "materials": _lines(notice.materials),
        }
        return self._signable("notice", values, notice.id_number, notice.accepted_at)

    def letter(self, letter: CommitmentLetter) -> bytes:
        """On A4, to be signed.

        Raises NotForPaper for an ID number that is not masked, or a material without a date.
        """
        if not letter.materials or any(line.due is None for line in letter.materials):
            raise NotForPaper("materials: each deferred one needs the date by which it follows")
        values = {**asdict(letter), "materials": _lines(letter.materials)}
        return self._signable("letter", values, letter.id_number, letter.told_at)

    def _plain(self, template: Template, values: Mapping[str, object], at: datetime) -> bytes:
        return self._typesetter.set(template, values, at).pdf

    def _signable(
        self, template: Template, values: Mapping[str, object], id_number: str, at: datetime
    ) -> bytes:
        if _WHOLE_ID_NUMBER.search(id_number):
            raise NotForPaper("id_number: is to be masked before it is printed")
        paper = self._typesetter.set(template, values, at)
        return fields.added(paper.pdf, paper.boxes)


def masked(name: str) -> str:
    """The name with the first letter of each word alone: 张三 is 张*, Li Wei is L* W**."""
    return " ".join(word[0] + "*" * (len(word) - 1) for word in name.split())


def _lines(lines: tuple[MaterialLine, ...]) -> list[dict[str, object]]:
    return [{**asdict(line), "due": line.due and _day(line.due)} for line in lines]


def _day(day: date) -> Named:
    return Named(f"{day.year}年{day.month}月{day.day}日", day.isoformat())


def _moment(at: datetime) -> Named:
    local = at.astimezone(LOCAL)
    day = _day(local.date())
    return Named(f"{day.zh} {local:%H:%M}", f"{day.en} {local:%H:%M}")
