"""How is the media host of this process made from the settings? Without the rest of the service.

A media process imports this and not `assembly.py`, whose catalogue and database it never needs.
"""

import gc
from collections.abc import Callable

from deploy.settings import Settings
from media.host.host import LocalHost
from media.node.node import News, Node
from media.records.store import Store


def local_host(settings: Settings) -> LocalHost:
    """The media host of this process."""

    def make_node(listener: Callable[[News], None]) -> Node:
        return Node(
            host=settings.media_host,
            port=settings.media_port,
            announce=settings.announced,
            listener=listener,
            preference=settings.codec_preference,
            tcp=settings.media_tcp,
        )

    return LocalHost("local", Store(settings.recordings), make_node)


def settle() -> None:
    """What is there now stays: the garbage collector need not look at it again.

    It would each time stop all calls, for 0.15 s in the server.
    """
    gc.collect()
    gc.freeze()
