"""The fonts, an authority with one city's certificate: made once, they take a second."""

from pathlib import Path

import pytest

from media.materials.papers import Papers
from media.materials.seals import Seal, Seals
from media.materials.signing import Signing
from media.materials.typesetting import Typesetter
from tests.materials import made
from tests.materials.signed import act


@pytest.fixture(scope="session")
def typesetter() -> Typesetter:
    return Typesetter()


@pytest.fixture(scope="session")
def papers(typesetter: Typesetter) -> Papers:
    return Papers(typesetter)


@pytest.fixture(scope="session")
def seal(tmp_path_factory: pytest.TempPathFactory) -> Seal:
    folder: Path = tmp_path_factory.mktemp("seals")
    return Seals(folder).of("310117", "上海市松江区", made.AT)


@pytest.fixture(scope="session")
def signing(typesetter: Typesetter) -> Signing:
    return Signing(typesetter)


@pytest.fixture(scope="session")
def letter(papers: Papers) -> bytes:
    return papers.letter(made.letter())


@pytest.fixture(scope="session")
def by_hand(signing: Signing, letter: bytes, seal: Seal) -> bytes:
    return signing.by_hand(letter, act(letter), made.scrawl(), seal)


@pytest.fixture(scope="session")
def signed(signing: Signing, by_hand: bytes, seal: Seal) -> bytes:
    """By hand, then by the city."""
    return signing.by_city(by_hand, act(by_hand), seal)
