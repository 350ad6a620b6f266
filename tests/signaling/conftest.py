"""The demo world for the tests without a service; properties here have no deadline per example."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.scheduling.office import load_world

settings.register_profile("signaling", deadline=None)
settings.load_profile("signaling")


@pytest.fixture(scope="session")
def world_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the demo world, closed."""
    return load_world(tmp_path_factory.mktemp("world"))
