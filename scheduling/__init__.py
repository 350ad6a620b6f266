"""Who is served by whom, and when? Matters, queues, visits, windows and the routing between them.

Knows nothing of sockets or media. `visit.py`, `window.py` and `routing.py` are pure; `desk.py` is
the only writer of this folder's tables.
"""
