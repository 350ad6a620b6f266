"""How does Janus carry and record the calls? Its videoroom, a room a call, in its best setting.

Debian's package, with `event_loops = 1`, ICE-lite, no log and no plugin but the videoroom. Two
publishers and two subscribers a room: four connections where ours has two. The API is its Unix
socket, which works across network namespaces. https://janus.conf.meetecho.com/docs/videoroom
"""

import itertools
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from deploy.bench.media import mjr, sdp
from deploy.bench.media.child import Child, ChildFailed
from deploy.bench.media.hosted import Ended
from deploy.bench.media.lab import INTERFACE, Lab
from deploy.bench.media.party import Local, Remote

_INSTALLER = Path(__file__).parents[2] / "system-packages"
_LIBRARIES = Path("/usr/lib")
_START_S, _REPLY_S = 15.0, 15.0
_STARTS = 5
_MESSAGE_BYTES = 1 << 18
_ROOM_BITRATE_BPS = 3_000_000

_SETTINGS = """
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{folder}/plugins"
  transports_folder = "{folder}/transports"
  events_folder = "{folder}/none"
  loggers_folder = "{folder}/none"
  log_to_stdout = false
  log_to_file = "{log}"
  debug_level = 2
  debug_colors = false
  event_loops = 1
  session_timeout = 0
}}
media: {{ ipv6 = false }}
nat: {{
  ice_lite = true
  ice_enforce_list = "{interface}"
}}
"""
_SOCKET_SETTINGS = """
general: {{ enabled = true, json = "compact", path = "{path}", type = "SOCK_SEQPACKET" }}
admin: {{ admin_enabled = false }}
"""

Message = dict[str, Any]


class JanusFailed(RuntimeError):  # noqa: N818
    """Janus is not there, or did not do what it was asked; the text has its words."""


def install() -> None:
    """Install Debian's package if Janus is missing. Raises JanusFailed."""
    if shutil.which("janus"):
        return
    done = subprocess.run([_INSTALLER, "janus"], check=False, stdout=subprocess.DEVNULL)  # noqa: S603
    if done.returncode or not shutil.which("janus"):
        raise JanusFailed("Debian's package janus could not be installed")
    if Path("/run/systemd/system").exists():  # the package starts a service that nobody asked for
        command = ["systemctl", "disable", "--now", "janus"]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603


class Janus:
    """A running Janus. A `servers.Server`."""

    # resident and clerk publish; once they do, resident and clerk subscribe
    stages: tuple[tuple[int, ...], ...] = ((0, 1), (2, 3))
    flows: tuple[tuple[int, int], ...] = ((0, 3), (1, 2))

    def __init__(self, process: Child, api: "Api", records: Path) -> None:
        self._process, self._api, self._records = process, api, records
        self._publishers: dict[int, list[tuple[int, int]]] = {}  # handle and feed, by room

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def open(self, call: int, stage: int, locals_: Sequence[Local]) -> list[Remote]:
        """A room in which first both publish, then each subscribes to the other."""
        if stage == 0:
            return self._publish(call + 1, locals_)
        return self._subscribe(call + 1, locals_)

    def _publish(self, room: int, locals_: Sequence[Local]) -> list[Remote]:
        api = self._api
        api.message(
            api.attach(),
            {
                "request": "create",
                "room": room,
                "publishers": 2,
                "bitrate": _ROOM_BITRATE_BPS,
                "audiocodec": "opus",
                "videocodec": "vp8",
                "record": True,
                "rec_dir": str(self._records),
            },
        )
        remotes: list[Remote] = []
        for local in locals_:
            handle = api.attach()
            join = {"request": "joinandconfigure", "room": room, "ptype": "publisher"}
            event = api.message(handle, join, ("offer", sdp.offer(local, "sendonly")))
            feed = int(event["plugindata"]["data"]["id"])
            self._publishers.setdefault(room, []).append((handle, feed))
            remotes.append(sdp.read(event["jsep"]["sdp"]))
        return remotes

    def _subscribe(self, room: int, locals_: Sequence[Local]) -> list[Remote]:
        api = self._api
        remotes: list[Remote] = []
        for local, (publisher, feed) in zip(locals_, reversed(self._publishers[room]), strict=True):
            api.wait_until_up(publisher)
            handle = api.attach()
            join = {"request": "join", "room": room, "ptype": "subscriber"}
            event = api.message(handle, join | {"streams": [{"feed": feed}]})
            offered = event["jsep"]["sdp"]
            answer = sdp.answer(local, offered, "recvonly")
            api.message(handle, {"request": "start"}, ("answer", answer))
            remotes.append(sdp.read(offered))
        return remotes

    def finish(self, calls: int) -> Ended:
        """Close the rooms, which ends their recordings, and count whole pictures."""
        handle = self._api.attach()
        for call in range(calls):
            self._api.message(handle, {"request": "destroy", "room": call + 1})
        self._api.close()
        self._process.close(ask_s=0.1)
        pictures = [mjr.whole_pictures(path) for path in self._records.glob("*-video-*.mjr")]
        return Ended(0, sum(pictures))


class Api:
    """The Janus API over its Unix socket: one session, requests one after the other."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_REPLY_S)
        self._socket.connect(str(path))
        self._numbers = itertools.count(1)
        self._up: set[int] = set()
        self._session = int(self._ask({"janus": "create"})["data"]["id"])

    def attach(self) -> int:
        """A new handle of the videoroom."""
        request = {
            "janus": "attach",
            "session_id": self._session,
            "plugin": "janus.plugin.videoroom",
        }
        return int(self._ask(request)["data"]["id"])

    def message(self, handle: int, body: Message, jsep: tuple[str, str] | None = None) -> Message:
        """Ask the videoroom; `jsep` is type and SDP. Raises JanusFailed if it refuses."""
        request: Message = {"janus": "message", "session_id": self._session, "handle_id": handle}
        request["body"] = body
        if jsep is not None:
            request["jsep"] = {"type": jsep[0], "sdp": jsep[1]}
        answer = self._ask(request)
        said = answer["plugindata"]["data"]
        if "error" in said:
            raise JanusFailed(f"{body['request']}: {said['error']}")
        return answer

    def close(self) -> None:
        """Leave; Janus then drops the session and all that belongs to it."""
        self._socket.close()

    def wait_until_up(self, handle: int) -> None:
        """Until Janus has said that this handle's connection is sealed. Raises JanusFailed."""
        while handle not in self._up:
            self._hear()

    def _ask(self, request: Message) -> Message:
        transaction = str(next(self._numbers))
        try:
            self._socket.send(msgspec.json.encode(request | {"transaction": transaction}))
        except OSError as error:
            raise JanusFailed(f"takes no requests: {error}") from error
        while True:
            heard = self._hear()
            # `ack` says that the answer comes as an event of the same transaction
            if heard.get("transaction") == transaction and heard["janus"] != "ack":
                break
        if heard["janus"] == "error":
            raise JanusFailed(str(heard["error"]))
        return heard

    def _hear(self) -> Message:
        """What Janus says next, asked or not."""
        try:
            heard = msgspec.json.decode(self._socket.recv(_MESSAGE_BYTES), type=Message)
        except (OSError, msgspec.DecodeError) as error:
            raise JanusFailed(f"says nothing: {error!r}") from error
        if heard["janus"] == "webrtcup":
            self._up.add(int(heard["sender"]))
        return heard


@contextmanager
def started(lab: Lab, folder: Path) -> Iterator[Janus]:
    """A fresh Janus that records below `folder`. Raises JanusFailed, child.ChildFailed."""
    settings, records, api_path = folder / "settings", folder / "records", folder / "api"
    log = folder / "server.log"
    _configure(settings, api_path, log)
    records.mkdir()
    process, api = _start(lab.at("server", ["janus", "-F", str(settings)]), api_path, log)
    with closing(process), closing(api):
        yield Janus(process, api, records)


def _start(command: Sequence[str], api_path: Path, log: Path) -> tuple[Child, Api]:
    """Start it, more than once if need be.

    The thread of its Unix socket may look whether the transport is initialised before it is, and
    then ends, and Janus with it (1.1.2; once in ten starts on a busy machine).
    """
    failures: list[ChildFailed] = []
    while len(failures) < _STARTS:
        process = Child("janus", command, log)
        try:
            return process, _connected(process, api_path)
        except ChildFailed as failure:
            failures.append(failure)
            process.close()
        except BaseException:
            process.close()
            raise
    raise failures[-1]


def _configure(settings: Path, api_path: Path, log: Path) -> None:
    wanted = {"plugins": "libjanus_videoroom.so", "transports": "libjanus_pfunix.so"}
    for kind, library in wanted.items():
        own = settings / kind
        own.mkdir(parents=True)
        found = next(_LIBRARIES.glob(f"*/janus/{kind}/{library}"), None)
        if found is None:
            raise JanusFailed(f"{library} is not in Debian's package janus")
        (own / library).symlink_to(found)
    (settings / "none").mkdir()
    texts = {
        "janus.jcfg": _SETTINGS.format(folder=settings, interface=INTERFACE, log=log),
        "janus.transport.pfunix.jcfg": _SOCKET_SETTINGS.format(path=api_path),
        "janus.plugin.videoroom.jcfg": "general: { }\n",
    }
    for name, text in texts.items():
        (settings / name).write_text(text, encoding="utf-8")


def _connected(process: Child, path: Path) -> Api:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s and process.running():
        try:
            return Api(path)
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.05)
    raise process.failure("did not start")
