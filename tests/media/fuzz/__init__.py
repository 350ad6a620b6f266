"""Every reader of foreign bytes, fuzzed: `python -m tests.media.fuzz TARGET SECONDS`."""
