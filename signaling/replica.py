"""What does a process know of the calls that the office runs? What it was told, in order. Pure.

Entries are whole states of one visit or client, so a late one is put right by the next. A gap in
their numbers means that something was missed, and the whole is asked for. What a former office
told stays in sight until the new one has told all of its calls.
"""

from collections.abc import Mapping

from signaling.between import CallEntry, CallsTold, LineEntry, OfficeBeat

SILENT_S = 15.0


class Replica:
    """Calls and warm lines as the office told them. Times are monotonic seconds of this process."""

    def __init__(self) -> None:
        self._calls: dict[str, CallEntry] = {}
        self._lines: dict[str, LineEntry] = {}
        self._visit_of_call: dict[str, str] = {}
        self._term, self._number = 0, -1
        self.heard_s = float("-inf")
        self.office = ""
        self.moment_s = 0.0

    @property
    def calls(self) -> Mapping[str, CallEntry]:
        """By visit; all have a call."""
        return self._calls

    @property
    def lines(self) -> Mapping[str, LineEntry]:
        """By client."""
        return self._lines

    @property
    def term(self) -> int:
        """Of the office that was heard last."""
        return self._term

    def visit_of(self, call: str) -> str | None:
        """The visit of a running call."""
        return self._visit_of_call.get(call)

    def beat(self, message: OfficeBeat, now_s: float) -> bool:
        """The office lives; true if something of it was missed."""
        if not self._is_of(message.term, now_s):
            return False
        self.office, self.moment_s = message.sender, message.moment_s
        return self._number != message.number

    def told(self, message: CallsTold, now_s: float) -> tuple[bool, list[str]]:
        """Calls and lines have changed; whether something was missed, and visits without a call."""
        if not self._is_of(message.term, now_s):
            return False, []
        if message.whole:
            return False, self._replace(message)
        if self._number < 0:
            return True, []  # of a new office only the whole is of use
        if message.number <= self._number:
            return False, []
        missed = message.number != self._number + 1
        if not missed:
            self._number = message.number
        return missed, self._put(message)

    def _is_of(self, term: int, now_s: float) -> bool:
        """Whether this is of the newest office; an earlier one may be at its end and not know."""
        if term < self._term and now_s - self.heard_s < SILENT_S:
            return False
        if term != self._term:
            self._term, self._number, self.office = term, -1, ""
        self.heard_s = now_s
        return True

    def _replace(self, message: CallsTold) -> list[str]:
        here = {entry.visit for entry in message.calls}
        over = [visit for visit in self._calls if visit not in here]
        self._calls.clear()
        self._lines.clear()
        self._visit_of_call.clear()
        self._number = message.number
        self._put(message)
        return over

    def _put(self, message: CallsTold) -> list[str]:
        over = []
        for entry in message.calls:
            before = self._calls.pop(entry.visit, None)
            if before is not None and before.call is not None:
                self._visit_of_call.pop(before.call.id, None)
            if entry.call is not None:
                self._calls[entry.visit] = entry
                self._visit_of_call[entry.call.id] = entry.visit
            elif before is not None:
                over.append(entry.visit)
        for line in message.lines:
            if line.connection:
                self._lines[line.client] = line
            else:
                self._lines.pop(line.client, None)
        return over
