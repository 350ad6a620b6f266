"""How do the parts become running processes? Settings, assembly, command line, demo, benchmarks.

Knows everything; nothing imports it. Start reading at `cli.py` and `assembly.py`.
"""
