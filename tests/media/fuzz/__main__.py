"""Fuzz one target for so many seconds: `python -m tests.media.fuzz TARGET SECONDS`.

Without arguments the targets are named. What breaks one is kept in its corpus as `crash-…`, and
is tested from then on; what only reaches new code is not kept.
"""

import sys
import tempfile

import atheris

with atheris.instrument_imports(include=["media"]):
    from tests.media.fuzz.targets import CORPUS, MOST_BYTES, TARGETS


def main(arguments: list[str]) -> None:
    """Does not return once fuzzing began: libFuzzer ends the process, with 0 if all is well."""
    if not arguments:
        print("\n".join(TARGETS))
        return
    name, seconds = arguments
    seeds = CORPUS / name
    with tempfile.TemporaryDirectory() as found:
        options = [
            f"-max_total_time={seconds}",
            f"-max_len={MOST_BYTES}",
            "-timeout=5",
            "-rss_limit_mb=1024",
            f"-artifact_prefix={seeds}/",
        ]
        atheris.Setup([sys.argv[0], *options, found, str(seeds)], TARGETS[name])
        atheris.Fuzz()


main(sys.argv[1:])
