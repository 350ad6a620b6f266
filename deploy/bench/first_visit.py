"""The figures of the first visit: `virtual-window bench first-visit`."""

from deploy.bench.cpu import cpu_vs_aiortc
from deploy.bench.picture import accept_to_picture_vs_direct
from deploy.bench.report import Figure


async def run() -> list[Figure]:
    """Both figures, one after the other, so that neither disturbs the other."""
    return [*await accept_to_picture_vs_direct(), *await cpu_vs_aiortc()]
