"""A plain load balancer: each connection goes to the next process that takes it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

_CHUNK = 65_536


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
    sink.close()


@contextlib.asynccontextmanager
async def balancer(port: int, behind: Sequence[int]) -> AsyncIterator[None]:
    """Listen on loopback; `behind` are the ports of the processes."""
    order = list(behind)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in behind:
            order.append(order.pop(0))
            try:
                back, forth = await asyncio.open_connection("127.0.0.1", order[-1])
            except OSError:
                continue
            for source, sink in ((reader, forth), (back, writer)):
                task = asyncio.create_task(_pass_on(source, sink))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            return
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
