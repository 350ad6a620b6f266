"""Which servers are measured, and how does a call reach each of them?

`started` runs one at the server's end of the cable. A server that is not in Python is a file of
its own (`janus.py`).
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from deploy.bench.media import janus, sdp
from deploy.bench.media.child import Child
from deploy.bench.media.hosted import PARTIES, Answer, Ended, Question
from deploy.bench.media.lab import Lab
from deploy.bench.media.party import Local, Remote

Name = Literal["ours", "janus", "aiortc"]
NAMES: tuple[Name, ...] = ("ours", "janus", "aiortc")
ANSWER_DEADLINE_S = 60.0
FINISH_DEADLINE_S = 120.0  # an encoding server finishes late

_MODULES: dict[Name, str] = {
    "ours": "deploy.bench.media.ours",
    "aiortc": "deploy.bench.media.usual",
}


class Server(Protocol):
    """A running server.

    A call is made of connections in `stages`: those of one stage are connected before the next
    is opened. `flows` say who of all of them hears whom.
    """

    stages: tuple[tuple[int, ...], ...]
    flows: tuple[tuple[int, int], ...]

    @property
    def pid(self) -> int:
        """The process whose use of the machine counts, with its descendants."""

    def open(self, call: int, stage: int, locals_: Sequence[Local]) -> list[Remote]:
        """Exchange descriptions for a stage of a recorded call; a remote end for each local one."""

    def finish(self, calls: int) -> Ended:
        """End all recordings and count what is in them."""


class HostedServer:
    """A server in Python, in a process of its own. A `Server`."""

    stages: tuple[tuple[int, ...], ...] = ((0, 1),)
    flows: tuple[tuple[int, int], ...] = ((0, 1), (1, 0))

    def __init__(self, process: Child) -> None:
        self._process = process
        self._ask(Question("ready"))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def open(self, call: int, stage: int, locals_: Sequence[Local]) -> list[Remote]:
        """Whoever offers first: ours does, aiortc does not."""
        offers = self._ask(Question("describe", call)).sdp
        by_party = dict(zip(PARTIES, locals_, strict=True))
        if offers:
            answers = {party: sdp.answer(by_party[party], offers[party]) for party in PARTIES}
            self._ask(Question("describe", call, answers))
            return [sdp.read(offers[party]) for party in PARTIES]
        ours = {party: sdp.offer(local) for party, local in by_party.items()}
        answers = self._ask(Question("describe", call, ours)).sdp
        return [sdp.read(answers[party]) for party in PARTIES]

    def finish(self, calls: int) -> Ended:
        """Add up all calls."""
        ended = [self._ask(Question("finish", call)).ended for call in range(calls)]
        told = [one for one in ended if one is not None]
        return Ended(sum(one.taken for one in told), sum(one.pictures for one in told))

    def _ask(self, question: Question) -> Answer:
        deadline_s = FINISH_DEADLINE_S if question.what == "finish" else ANSWER_DEADLINE_S
        line = self._process.ask(msgspec.json.encode(question), deadline_s)
        return msgspec.json.decode(line, type=Answer)


@contextmanager
def started(name: Name, lab: Lab, folder: Path) -> Iterator[Server]:
    """A fresh server that records below `folder`; ended at the end. Raises child.ChildFailed."""
    if name == "janus":
        with janus.started(lab, folder) as server:
            yield server
        return
    command = lab.at("server", [sys.executable, "-m", _MODULES[name], str(folder)])
    with closing(Child(name, command, folder / "server.log")) as process:
        yield HostedServer(process)
