"""Which encoded frames do a video track's packets make? One file for each codec.

`frame.py` says what a frame and an assembler are; `../sequence.py` puts the packets in order.
"""

from media.records.assembly.av1 import Av1Assembler
from media.records.assembly.frame import Assembler, Frame
from media.records.assembly.h264 import H264Assembler
from media.records.assembly.vp8 import Vp8Assembler
from media.records.assembly.vp9 import Vp9Assembler

__all__ = ["Assembler", "Frame", "assembler"]

_ASSEMBLERS: dict[str, type[Assembler]] = {
    "VP8": Vp8Assembler,
    "VP9": Vp9Assembler,
    "H264": H264Assembler,
    "AV1": Av1Assembler,
}


def assembler(codec: str) -> Assembler:
    """A new assembler; `codec` is named as in SDP. Raises KeyError for one we do not record."""
    return _ASSEMBLERS[codec]()
