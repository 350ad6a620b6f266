"""Properties here have no deadline per example."""

from hypothesis import settings

settings.register_profile("scheduling", deadline=None)
settings.load_profile("scheduling")
