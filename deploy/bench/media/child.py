"""How does the benchmark speak with the processes it starts? One JSON line asked, one answered.

Each process is killed with this one however this one ends, and a Ctrl-C reaches only this one,
which then ends the others in order. Knows neither servers nor load.
"""

import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

END_DEADLINE_S = 3.0


class ChildFailed(RuntimeError):  # noqa: N818
    """A process ended or did not answer in time; the text says which and its last words."""


class Child:
    """A process that answers on stdout what it is asked on stdin; its stderr goes to `log`."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as words:
            self._process = subprocess.Popen(  # noqa: S603
                ["setpriv", "--pdeathsig", "KILL", "--", *command],  # noqa: S607
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def tell(self, question: bytes) -> None:
        """Send one line. Raises ChildFailed."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(question + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self.failure(f"takes no orders: {error}") from error

    def hear(self, deadline_s: float) -> bytes:
        """The next line it says. Raises ChildFailed."""
        said = self._process.stdout
        assert said is not None
        if not select.select([said], [], [], deadline_s)[0]:
            raise self.failure(f"said nothing for {deadline_s:.0f} s")
        line = said.readline()
        if not line.endswith(b"\n"):
            raise self.failure("ended")
        return line

    def ask(self, question: bytes, deadline_s: float) -> bytes:
        """Send one line and get one. Raises ChildFailed."""
        self.tell(question)
        return self.hear(deadline_s)

    def failure(self, what: str) -> ChildFailed:
        """What to raise, with the last words of the log."""
        words = self._log.read_text(errors="replace").strip().splitlines()[-5:]
        code = self._process.poll()
        ended = "" if code is None else f" (exit code {code})"
        return ChildFailed("\n  ".join([f"{self.name} {what}{ended}", *words]))

    def running(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def close(self, *, ask_s: float = END_DEADLINE_S) -> None:
        """Close its stdin, which ends it; terminate it after `ask_s`, kill it if need be."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # what was still buffered has no reader any more
                    stream.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                self._process.wait(ask_s)
            except subprocess.TimeoutExpired:
                self._process.send_signal(number)
        self._process.wait()


def questions() -> Iterator[bytes]:
    """In the child: each line that is asked, until the benchmark closes stdin."""
    return iter(sys.stdin.buffer.readline, b"")


def reply(answer: bytes) -> None:
    """In the child: answer."""
    sys.stdout.buffer.write(answer + b"\n")
    sys.stdout.buffer.flush()
