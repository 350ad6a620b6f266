"""Properties here have no deadline per example: the machines that run them are shared."""

from hypothesis import settings

settings.register_profile("media", deadline=None)
settings.load_profile("media")
