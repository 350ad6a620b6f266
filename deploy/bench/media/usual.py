"""What carries and records the call in the usual way? aiortc, as in `aiortc_server.py`.

`python -m deploy.bench.media.usual FOLDER`, at the server's end of the cable.
"""

import asyncio
from pathlib import Path

from deploy.bench.aiortc_server import AiortcCall
from deploy.bench.media.hosted import Ended, folder_argument, serve


class UsualCall:
    """A recorded call through aiortc. A `hosted.HostedCall`."""

    def __init__(self, folder: Path, number: int) -> None:
        own = folder / str(number)
        own.mkdir()
        self._call = AiortcCall(own)

    async def describe(self, sdp: dict[str, str]) -> dict[str, str]:
        """Without SDP: nothing. With both offers: the answers."""
        return await self._call.describe(sdp) if sdp else {}

    async def finish(self) -> Ended:
        """Stop the recorders and count."""
        outcome = await self._call.finish()
        await self._call.close()
        return Ended(outcome.received_packets, sum(one.video_frames for one in outcome.recorded))


async def main(folder: Path) -> None:
    """Serve until stdin closes."""
    await serve(lambda number: UsualCall(folder, number))


if __name__ == "__main__":
    asyncio.run(main(folder_argument()))
