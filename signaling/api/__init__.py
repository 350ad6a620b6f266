"""The HTTP interface, by resource. Routes are rows of a table; OpenAPI is written from them.

`rest.py` is the table's machinery, `openapi.py` the document, the other files one resource each.
"""
