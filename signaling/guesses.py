"""How often may somebody guess a code? A few times a minute, then they are refused. Pure.

Codes of tickets and appointments are short because people type them; this is what keeps them
from being guessed (ASVS 5.0, 6.3).
"""

from collections import OrderedDict

LIMIT, PER_S = 5, 60.0
MOST_CALLERS = 10_000


class TooManyGuesses(ValueError):  # noqa: N818
    """Wait a minute; nothing was checked."""

    def __init__(self) -> None:
        super().__init__("code: too many attempts; wait a minute and look at the code again")


class Guesses:
    """Wrong codes by caller over the last minute."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, caller: str, now_monotonic_s: float) -> None:
        """Raises TooManyGuesses."""
        recent = [at for at in self._wrong.get(caller, ()) if now_monotonic_s - at < PER_S]
        if len(recent) >= LIMIT:
            raise TooManyGuesses

    def wrong(self, caller: str, now_monotonic_s: float) -> None:
        """This caller's code was wrong."""
        recent = [at for at in self._wrong.pop(caller, ()) if now_monotonic_s - at < PER_S]
        self._wrong[caller] = [*recent, now_monotonic_s]
        if len(self._wrong) > MOST_CALLERS:
            self._wrong.popitem(last=False)
