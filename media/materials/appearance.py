"""How does a signature look on the paper? Ink of the hand, and beneath it name, time and place.

The ink is a form XObject of its own, named `/Ink`, so that it can be held against the strokes.
"""

from dataclasses import dataclass
from io import BytesIO

from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.generic import DictionaryObject, StreamObject, pdf_name
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.stamp import BaseStamp, BaseStampStyle

from media.materials import strokes
from media.materials.strokes import Handwriting

MARGIN = 6.0  # points
WORDS = 33.0  # what the words beneath the ink take


@dataclass(frozen=True)
class Appearance(BaseStampStyle):
    """For pyHanko: `words` is a PDF of one page as large as the box."""

    words: bytes = b""
    handwriting: Handwriting | None = None

    def create_stamp(
        self, writer: BasePdfFileWriter, box: BoxConstraints, text_params: dict[str, object]
    ) -> BaseStamp:
        """What is drawn in the signature's field."""
        return _Drawn(writer, box, self)


class _Drawn(BaseStamp):
    def __init__(self, writer: BasePdfFileWriter, box: BoxConstraints, style: Appearance) -> None:
        super().__init__(writer=writer, style=style, box=box)
        self._drawn = style

    def _render_inner_content(self) -> list[bytes]:
        writer = self._ensure_writer
        width, height = float(self.box.width), float(self.box.height)
        words = PdfFileReader(BytesIO(self._drawn.words))
        self.resources.xobject["/Words"] = writer.import_page_as_xobject(words)
        drawn = b"q /Words Do Q"
        if self._drawn.handwriting is not None:
            inner_width, inner_height = inked(width, height)
            ink = RawContent(
                strokes.ink(self._drawn.handwriting, inner_width, inner_height),
                box=BoxConstraints(width=inner_width, height=inner_height),
            )
            self.resources.xobject["/Ink"] = writer.add_object(ink.as_form_xobject())
            drawn += f" q 1 0 0 1 {MARGIN:g} {WORDS:g} cm /Ink Do Q".encode()
        return [drawn]


def inked(width: float, height: float) -> tuple[float, float]:
    """How much of a box the ink has."""
    return width - 2 * MARGIN, height - WORDS - MARGIN


def shows(field: DictionaryObject, handwriting: Handwriting) -> bool:
    """Whether the ink in a signed field is that of these strokes."""
    try:
        left, bottom, right, top = (float(edge) for edge in field["/Rect"])
        ink = field["/AP"]["/N"]["/Resources"]["/XObject"][pdf_name("/Ink")]
    except (KeyError, ValueError, TypeError, PdfError):
        return False
    width, height = inked(right - left, top - bottom)
    return isinstance(ink, StreamObject) and bool(
        ink.data == strokes.ink(handwriting, width, height)
    )
