"""What does a recorded call cost on this media node, on Janus and on aiortc? `bench media`.

`comparison.py` says what is run and in which order, `figures.py` what is concluded from it. One
measurement (`measurement.py`) is a server (`servers.py`, `ours.py`, `usual.py`, `janus.py`) and
the load (`load.py`) on the two ends of a virtual cable (`lab.py`).
"""
