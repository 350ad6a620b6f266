"""Has somebody else changed it meanwhile? The version of what was read, made of what it says.

Nothing is kept for it: two admins who saw the same have the same version. Pure; who refuses a
change of what is not as it was seen is `rulebook.py`.
"""

import hashlib

import msgspec

LENGTH = 16
NEW = ""  # the version of what is not there yet


class Stale(RuntimeError):  # noqa: N818
    """Somebody changed it since it was read; nothing was done."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}: somebody else has changed this since you opened it; nothing was saved."
            " Look at it as it is now and make your change again"
        )


def version_of(value: object | None) -> str:
    """The version of a dataclass, or of several; "" of nothing."""
    if value is None:
        return NEW
    text = msgspec.json.encode(value, order="deterministic")
    return hashlib.sha256(text).hexdigest()[:LENGTH]


def check_seen(what: str, seen: str | None, now: object | None) -> None:
    """Raises Stale if `seen` is not the version of what is there now; None stands for any."""
    if seen is not None and seen != version_of(now):
        raise Stale(what)
