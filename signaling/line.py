"""What has this client been told, and what did it ask? One client's line, without its socket.

Pure. A line outlives its sockets as far as a client can tell: a repeated command gets the stored
answer, and only what differs from what was last sent is sent again.
"""

from collections import OrderedDict
from datetime import datetime

import msgspec

from signaling.protocol import ClientState, Done, Refused, StateMessage

KEPT_ANSWERS = 256
COMMANDS_PER_S = 20.0
BURST = 60.0
GESTURES_PER_S = 40.0
MAX_FAULTS = 3


class Answers:
    """The answers to one client's last commands, by command id; shared by its sockets."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Done | Refused] = OrderedDict()

    def known(self, command: str) -> Done | Refused | None:
        """The stored answer to a repeated command."""
        return self._kept.get(command)

    def keep(self, command: str, answer: Done | Refused) -> None:
        """Store an answer; the oldest of more than 256 is forgotten."""
        self._kept[command] = answer
        if len(self._kept) > KEPT_ANSWERS:
            self._kept.popitem(last=False)


class Bucket:
    """So many a second, and bursts of so many (a token bucket)."""

    def __init__(self, per_s: float, burst: float, now_monotonic_s: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._tokens, self._refilled_s = burst, now_monotonic_s

    def take(self, now_monotonic_s: float) -> bool:
        """Whether one more may pass now."""
        elapsed = now_monotonic_s - self._refilled_s
        self._tokens = min(self._burst, self._tokens + elapsed * self._per_s)
        self._refilled_s = now_monotonic_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Line:
    """One session: sequence, last state, rates and faults."""

    def __init__(self, now_monotonic_s: float) -> None:
        self._seq = 0
        self._last: bytes | None = None
        self._commands = Bucket(COMMANDS_PER_S, BURST, now_monotonic_s)
        self._gestures = Bucket(GESTURES_PER_S, GESTURES_PER_S, now_monotonic_s)
        self._faults = 0

    def shown(self, state: ClientState) -> None:
        """The client was told this state by the welcome."""
        self._last = msgspec.msgpack.encode(state)

    def next_state(self, state: ClientState, now: datetime) -> StateMessage | None:
        """The message that brings the client up to date; None if it is."""
        encoded = msgspec.msgpack.encode(state)
        if encoded == self._last:
            return None
        self._last = encoded
        self._seq += 1
        return StateMessage(self._seq, now, state)

    def may_command(self, now_monotonic_s: float) -> bool:
        """20 commands a second, bursts of 60."""
        return self._commands.take(now_monotonic_s)

    def may_gesture(self, now_monotonic_s: float) -> bool:
        """40 gestures a second, beside the commands."""
        return self._gestures.take(now_monotonic_s)

    def fault(self) -> bool:
        """Count a message that could not be read; true when it is time to hang up."""
        self._faults += 1
        return self._faults >= MAX_FAULTS
