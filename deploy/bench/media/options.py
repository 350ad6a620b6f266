"""What can be asked of `virtual-window bench media`? Its arguments, and their limits.

Imports nothing of the benchmark, so that the command line stays quick.
"""

import argparse
from collections.abc import Callable

DEFAULT_CALLS = (1, 10, 20, 50)
MOST_CALLS, MOST_ROUNDS, MOST_SECONDS = 400, 50, 300
SERVERS = ("ours", "janus", "aiortc")


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--calls",
        type=calls,
        default=DEFAULT_CALLS,
        metavar="N,N",
        help="how many calls at once, one after the other (1,10,20,50)",
    )
    parser.add_argument("--rounds", type=_between(1, MOST_ROUNDS), default=3, metavar="N")
    parser.add_argument(
        "--seconds",
        type=_between(1, MOST_SECONDS),
        default=20,
        metavar="S",
        help="how long each run is measured (20)",
    )
    parser.add_argument(
        "--servers",
        type=servers,
        default=SERVERS,
        metavar="NAME,NAME",
        help=f"which of {', '.join(SERVERS)}; aiortc only with 1 call",
    )
    parser.add_argument(
        "--largest", action="store_true", help="also search the most calls without loss"
    )
    parser.add_argument("--json", action="store_true")


def calls(text: str) -> tuple[int, ...]:
    """Numbers of calls, in ascending order. Raises ArgumentTypeError."""
    number = _between(1, MOST_CALLS)
    return tuple(sorted({number(part) for part in text.split(",")}))


def servers(text: str) -> tuple[str, ...]:
    """Names of servers, in our order. Raises ArgumentTypeError."""
    named = {part.strip() for part in text.split(",")}
    if unknown := named - set(SERVERS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not one of {SERVERS}")
    return tuple(name for name in SERVERS if name in named)


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from error
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not between {least} and {most}")
        return value

    return number
