"""What is seen, heard and kept? The media node, and the records that remain of a call.

Knows nothing of queues, sockets to clients, or people.
"""
