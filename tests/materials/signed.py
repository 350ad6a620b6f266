"""What is signed in the tests, and what the check says of it."""

from media.materials import signatures
from media.materials.seals import Seal
from media.materials.signatures import Signature
from media.materials.signing import Act
from media.materials.statement import sha256
from tests.materials import made


def act(document: bytes) -> Act:
    return Act(sha256(document), made.CIRCUMSTANCES, made.AT)


def check(pdf: bytes, seal: Seal) -> tuple[Signature, ...]:
    return signatures.check(pdf, [seal.root], made.AT)


def problems(pdf: bytes, seal: Seal) -> set[str]:
    return {problem for signature in check(pdf, seal) for problem in signature.problems}
