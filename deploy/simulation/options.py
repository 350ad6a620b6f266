"""What can `virtual-window simulate` be told? Its options, apart so that they cost no import."""

import argparse
from pathlib import Path


def add_to(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--demo", action="store_true", help="a made-up busy day of nine cities")
    source.add_argument("--scenario", type=Path, metavar="FILE", help="a scenario as JSON")
    parser.add_argument("--days", type=int, default=5, help="how many such days (default: 5)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other days (default: 1)")
    parser.add_argument(
        "--date", help="whose shifts, from the database: like 2026-11-30 (default: today)"
    )
    parser.add_argument(
        "--arrivals",
        type=Path,
        metavar="FILE",
        help="recorded visits as CSV: queue, arrived_at and, if known, service_s",
    )
    parser.add_argument(
        "--clerks",
        action="append",
        default=[],
        metavar="+N@QUEUE",
        help="what if N clerks more served this queue, or fewer (--clerks=-N@QUEUE); compares both",
    )
    parser.add_argument("--compare", type=Path, metavar="FILE", help="a second scenario beside it")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the scenario, to edit it")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw waits and answers as SVG")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
