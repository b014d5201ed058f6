"""Redact the secrets in the journal of an ended run.

The journal has the unmodified output; only the recorded events are masked.
"""

import os
from pathlib import Path

from app.runner.masking import MASK, Masker

#: Number of bytes to process at a time.
BLOCK = 1 << 20


def redact(journal: Path, masker: Masker) -> None:
    """Overwrite every secret in a journal byte by byte, so that offsets stay valid.

    Raises OSError.
    """
    if not masker.longest:
        return
    descriptor = os.open(journal, os.O_RDWR | os.O_CLOEXEC)
    try:
        offset = 0
        while block := os.pread(descriptor, BLOCK + masker.longest, offset):
            # A cut must not split secrets, even if they overlap.
            piece = block[: masker.safe_cut(block, BLOCK)]
            for start, end in masker.spans(piece):
                os.pwrite(descriptor, MASK[:1].encode() * (end - start), offset + start)
            offset += len(piece)
    finally:
        os.close(descriptor)
