"""What remains of a call: WebM segments and the manifest that describes them.

Start reading at `recorder.py`.
"""
