"""Where in a PDF may be signed? Signature fields (ISO 32000-2, 12.7.5.5) where boxes are marked.

They are part of the document that is shown, so the place of a signature comes with it.
"""

from collections.abc import Sequence
from io import BytesIO

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from media.materials.typesetting import Box


def added(pdf: bytes, boxes: Sequence[Box]) -> bytes:
    """The PDF with an empty signature field in each box, as an incremental update."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    for box in boxes:
        append_signature_field(
            writer,
            SigFieldSpec(
                sig_field_name=box.field,
                on_page=box.page,
                box=(round(box.left), round(box.bottom), round(box.right), round(box.top)),
            ),
        )
    written = BytesIO()
    writer.write(written)  # type: ignore[no-untyped-call]
    return written.getvalue()
