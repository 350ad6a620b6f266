"""How do values become a PDF? Typst, with our templates and the system's Chinese fonts.

Values go in as JSON and are shown as they are: nothing of them is ever read as markup. The PDF is
PDF/A-2u (ISO 19005-2): fonts are embedded, only the glyphs that are used, and text can be copied.
What stands on which paper is in `papers.py` and the templates.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import typst

TEMPLATES = Path(__file__).parent / "typst"
FONTS = Path("/usr/share/fonts/opentype/noto")
NEEDED = ("Noto Sans CJK SC", "Noto Serif CJK SC")

Template = Literal["ticket", "receipt", "notice", "letter", "stamp"]


class NoFonts(OSError):  # noqa: N818
    """The Chinese fonts are not installed; the text names the package."""


@dataclass(frozen=True, slots=True)
class Box:
    """A place to sign in: on which page (from 0), and where, in points from its lower left."""

    field: str
    page: int
    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True, slots=True)
class Typeset:
    """A PDF and the boxes that are marked in it."""

    pdf: bytes
    boxes: tuple[Box, ...]


class Typesetter:
    """Holds the fonts; every paper is set anew. May be used from any thread."""

    def __init__(self, fonts: Path = FONTS) -> None:
        """Raises NoFonts."""
        self._fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(fonts)]
        )
        missing = [name for name in NEEDED if name not in self._fonts.families()]
        if missing:
            raise NoFonts(f"{fonts}: no {', '.join(missing)}; install fonts-noto-cjk")

    def set(self, template: Template, values: object, at: datetime) -> Typeset:
        """The paper made of a template and its values, dated `at` (aware).

        The same values at the same time give the same bytes.
        """
        compiler = typst.Compiler(
            str(TEMPLATES / f"{template}.typ"),
            root=str(TEMPLATES),
            font_paths=self._fonts,
            ignore_system_fonts=True,
            sys_inputs={"paper": msgspec.json.encode(values).decode()},
        )
        pdf = compiler.compile(format="pdf", pdf_standards=["a-2u"], timestamp=int(at.timestamp()))
        marked = json.loads(compiler.query("<signature-box>", field="value"))
        if not isinstance(pdf, bytes):
            raise TypeError("one PDF was expected")
        return Typeset(pdf, _boxes(marked, 297 / 25.4 * 72))


def _boxes(marked: Sequence[dict[str, Any]], height: float) -> tuple[Box, ...]:
    """Typst counts pages from 1 and points from the upper left; only A4 papers are signed."""
    return tuple(
        Box(
            field=box["field"],
            page=box["page"] - 1,
            left=box["x"],
            bottom=height - box["y"] - box["height"],
            right=box["x"] + box["width"],
            top=height - box["y"],
        )
        for box in marked
    )
