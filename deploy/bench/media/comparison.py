"""In which order is what measured? Rounds, so that all servers share the machine's moods.

In each round every number of calls is run on every server before the next number; the first
server of a round is the second of the next.
"""

import logging
from collections.abc import Callable, Iterator, Sequence

from deploy.bench.media.child import ChildFailed
from deploy.bench.media.janus import JanusFailed
from deploy.bench.media.lab import Lab
from deploy.bench.media.measurement import Measured, measure
from deploy.bench.media.servers import Name

log = logging.getLogger(__name__)

AIORTC_CALLS = 1  # a second one is more than two processor cores can encode
LARGEST_SECONDS = 10.0
LARGEST_LIMIT = 320


def order(servers: Sequence[Name], calls: Sequence[int], rounds: int) -> Iterator[tuple[Name, int]]:
    """What to measure, one after the other."""
    for number in range(rounds):
        turned = [*servers[number % len(servers) :], *servers[: number % len(servers)]]
        for count in calls:
            for name in turned:
                if name != "aiortc" or count == AIORTC_CALLS:
                    yield name, count


def largest(
    lab: Lab, name: Name, seconds: float, limit: int, *, tell: Callable[[Measured], None]
) -> int:
    """The most calls up to `limit` that a server carries without loss, to about a tenth.

    Runs that the load itself could not keep up with end the search below them, too.
    """

    def clean(calls: int) -> bool:
        try:
            measured = measure(lab, name, calls, min(seconds, LARGEST_SECONDS))
        except (ChildFailed, JanusFailed) as error:  # so many do not even connect
            log.warning("x %s with %d calls: %s", name, calls, error)
            return False
        tell(measured)
        return measured.clean and not measured.load_missed

    return most(clean, limit)


def most(clean: Callable[[int], bool], limit: int) -> int:
    """The largest number up to `limit` that is `clean`: doubled, then halved in between.

    0 if not even one is. Ends when the gap is a tenth.
    """
    good, bad = 0, 10
    while bad <= limit and clean(bad):
        good, bad = bad, bad * 2
    if bad > limit:
        if good == limit or clean(limit):
            return limit
        bad = limit
    while bad - good > max(1, good // 10):
        middle = (good + bad) // 2
        if clean(middle):
            good = middle
        else:
            bad = middle
    return good
