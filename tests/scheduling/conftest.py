"""The demo world is loaded once; each test works on a copy of that file."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.scheduling.office import load_world

settings.register_profile("scheduling", deadline=None)
settings.load_profile("scheduling")


@pytest.fixture(scope="session")
def world_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the demo world, closed."""
    return load_world(tmp_path_factory.mktemp("world"))
