"""How does a resident who is away hear that it is nearly their turn? By a message, or a clerk.

Where an address is set (`VW_CALL_BACK_URL`), a JSON message is posted there for each visit whose
expected wait has become short; what is behind it (SMS, a phone robot) is the operator's. Without
one, or where it fails, the visit stays "to be called" on the pages of the clerks of its queues.
"""

import logging
from collections.abc import Mapping

import aiohttp
import msgspec

from scheduling.record import Visit

log = logging.getLogger(__name__)

SHORT_S = 300  # of expected wait: time to come back
DEADLINE_S = 5.0
AGAIN_AFTER_S = 60.0


class CallBack(msgspec.Struct, frozen=True):
    """What is posted. `contact` is the telephone number the resident left."""

    visit: str
    ticket: str
    contact: str
    language: str
    expected_wait_s: int
    text: str


_TEXTS: Mapping[str, str] = {
    "zh_CN": (
        "您的号票{ticket}即将轮到，预计还需等待{minutes}分钟。请凭号票和取号码返回任一自助终端。"
    ),
    "en": (
        "It is nearly your turn: ticket {ticket}, about {minutes} min. "
        "Please come back to any kiosk with your ticket and code."
    ),
}


class CallBacks:
    """Posts them; `url` "" posts nothing."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._tried_s: dict[str, float] = {}

    def is_due(self, away: Visit, expected_wait_s: int | None, now_monotonic_s: float) -> bool:
        """Whether this resident should be called now."""
        if not self._url or away.called_at is not None or expected_wait_s is None:
            return False
        tried_s = self._tried_s.get(away.id, float("-inf"))
        return expected_wait_s <= SHORT_S and now_monotonic_s - tried_s > AGAIN_AFTER_S

    async def post(self, away: Visit, expected_wait_s: int, now_monotonic_s: float) -> bool:
        """Whether the message was taken; one that was not is tried again after a minute."""
        self._tried_s[away.id] = now_monotonic_s
        text = _TEXTS.get(away.language, _TEXTS["zh_CN"])
        message = CallBack(
            visit=away.id,
            ticket=away.ticket,
            contact=away.contact,
            language=away.language,
            expected_wait_s=expected_wait_s,
            text=text.format(ticket=away.ticket, minutes=max(1, round(expected_wait_s / 60))),
        )
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S)) as http,
                http.post(
                    self._url,
                    data=msgspec.json.encode(message),
                    headers={"Content-Type": "application/json"},
                    allow_redirects=False,
                ) as answer,
            ):
                taken = answer.status < 300
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("x call-back of visit %s: %s", away.id, type(error).__name__)
            return False
        if not taken:
            log.warning("x call-back of visit %s: status %d", away.id, answer.status)
        else:
            self._tried_s.pop(away.id, None)
        return taken
