"""Where do the measured server and its load meet? At the ends of a virtual Ethernet cable.

Two network namespaces, one end of a veth pair in each: the same path for every server, and one
that Janus, which skips the loopback interface, accepts. The load's end has no address of its own,
so its kernel answers nothing; the load speaks Ethernet itself (`wire.py`). A namespace lives as
long as the process that holds it, so nothing remains to be taken away.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Literal

from deploy.bench.media.child import Child

SERVER_HOST, LOAD_HOST = "10.77.0.1", "10.77.0.2"
SERVER_MAC, LOAD_MAC = "02:00:0a:4d:00:01", "02:00:0a:4d:00:02"
INTERFACE = "wire0"
_READY_S = 5.0

End = Literal["server", "load"]


class NoLab(RuntimeError):  # noqa: N818
    """This machine or this user cannot have network namespaces; the text says what is missing."""


class Lab:
    """Both ends, while they are there."""

    def __init__(self, holders: dict[End, int]) -> None:
        self._holders = holders

    def at(self, end: End, command: Sequence[str]) -> list[str]:
        """The command line that runs `command` at one end; its process id stays the same."""
        return ["nsenter", f"--net=/proc/{self._holders[end]}/ns/net", "--", *command]


def check() -> None:
    """Raise NoLab unless `lab` can work here."""
    for command in ("ip", "nsenter", "setpriv", "unshare"):
        if shutil.which(command) is None:
            raise NoLab(f"{command} is missing (Debian packages iproute2, util-linux)")
    if os.geteuid() != 0:
        raise NoLab("network namespaces need root; without it, run it under `unshare -rn`")


@contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """The cable with both ends up; `folder` takes logs. Raises NoLab."""
    check()
    with ExitStack() as closers:
        holders: dict[End, int] = {}
        for end in ("server", "load"):
            command = ["unshare", "--net", "cat"]
            holder = Child(f"the {end}'s namespace", command, folder / f"{end}-namespace.log")
            closers.enter_context(closing(holder))
            holder.ask(b"there?", _READY_S)  # cat repeats it once the namespace is there
            holders[end] = holder.pid
        made = Lab(holders)
        _lay_cable(made, holders["server"], holders["load"])
        yield made


def _lay_cable(made: Lab, server: int, load: int) -> None:
    end = (f"name {INTERFACE} address {SERVER_MAC} netns {server}").split()
    far = (f"name {INTERFACE} address {LOAD_MAC} netns {load}").split()
    _run(["ip", "link", "add", *end, "type", "veth", "peer", *far])
    for words in (
        "link set lo up",
        f"link set {INTERFACE} addrgenmode none",
        f"address add {SERVER_HOST}/24 dev {INTERFACE}",
        f"link set {INTERFACE} up",
        f"neighbour add {LOAD_HOST} lladdr {LOAD_MAC} dev {INTERFACE} nud permanent",
    ):
        _run(made.at("server", ["ip", *words.split()]))
    for words in (f"link set {INTERFACE} addrgenmode none", f"link set {INTERFACE} up"):
        _run(made.at("load", ["ip", *words.split()]))


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise NoLab(f"{' '.join(command)}: {done.stderr.strip()}")
