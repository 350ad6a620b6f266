"""What is on paper? Materials as pictures, what can be read on them, the papers we make and sign.

Pure functions on bytes; what decodes foreign bytes does so in a worker process.
"""
