"""Real time: forwards RTP between the parties of a call. Touches no disk and no database.

Start reading at `node.py`; the hot path is `relay.py`.
"""
