"""What is made from the code is up to date, and what we depend on is new enough."""

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from deploy import documents

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
FLOORS = {  # below these: known faults in what we use of them
    "aiortc": "1.16",
    "aioice": "0.13",
    "aiohttp": "3.14.5",
    "pyjwt": "2.15",
    "av": "18",
}


def test_the_documents_made_from_the_code_are_up_to_date() -> None:
    assert documents.stale() == []


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
def test_nothing_older_than_what_we_rely_on_is_accepted(name: str, floor: str) -> None:
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    wanted = {r.name.lower(): r for r in map(Requirement, project["dependencies"])}[name]
    lowest = [Version(s.version) for s in wanted.specifier if s.operator in (">=", "==", "~=")]
    assert lowest
    assert max(lowest) >= Version(floor)
    assert Version(version(name)) >= Version(floor)
