"""What happens when one types `virtual-window bench media`? All runs, then the figures."""

import signal
import sys
from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.bench.clip import clip
from deploy.bench.media import figures, janus
from deploy.bench.media.comparison import LARGEST_LIMIT, largest, order
from deploy.bench.media.lab import check, lab
from deploy.bench.media.measurement import Measured, measure


def run(chosen: Namespace) -> int:
    """Carry it out; 1 if a target was missed. Raises RuntimeError in the words of a person.

    On Ctrl-C and on SIGTERM everything started is ended before KeyboardInterrupt goes on.
    """
    check()
    if "janus" in chosen.servers:
        janus.install()
    clip()  # encoded now, not by the first load
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with TemporaryDirectory(prefix="virtual-window-lab-") as logs, lab(Path(logs)) as made:
            runs: list[Measured] = []
            for name, calls in order(chosen.servers, chosen.calls, chosen.rounds):
                runs.append(measure(made, name, calls, chosen.seconds))
                _tell(runs[-1])
            found = figures.figures(runs)
            if chosen.largest:
                for name in (one for one in chosen.servers if one != "aiortc"):
                    calls = largest(made, name, chosen.seconds, LARGEST_LIMIT, tell=_tell)
                    found.append(figures.most_calls(name, calls))
    finally:
        signal.signal(signal.SIGTERM, before)
    print(figures.as_json(runs, found) if chosen.json else figures.text(runs, found))
    return 0 if all(one.ok is not False for one in found) else 1


def _tell(run: Measured) -> None:
    """One line for the person who waits."""
    print(
        f"{run.server}, {run.calls} calls: {run.cpu_s_per_minute:.3f} CPU s/call-minute, "
        f"{run.lost} of {run.sent} packets lost, {run.pictures_missing} pictures missing",
        file=sys.stderr,
    )
