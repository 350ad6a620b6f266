"""Who is connected, and what passes between them?

Identity, sockets, calls, the switchboard that joins a visit and a call, the HTTP interface, and
the kit that every page uses. Start reading at `protocol.py` and `switchboard.py`.
"""
