"""Redacting: a run that has ended leaves no secret in its journal either.

A script's output goes straight into the file, and is masked only where it is recorded.
"""

import os
from pathlib import Path

from app.runner.masking import MASK, Masker

#: Bytes that are looked at together.
BLOCK = 1 << 20


def redact(journal: Path, masker: Masker) -> None:
    """Write over every secret in a journal, byte for byte: its offsets stay valid.

    Raises OSError.
    """
    if not masker.longest:
        return
    descriptor = os.open(journal, os.O_RDWR | os.O_CLOEXEC)
    try:
        offset = 0
        while block := os.pread(descriptor, BLOCK + masker.longest, offset):
            # Of secrets that overlap, none must be cut in two.
            piece = block[: masker.safe_cut(block, BLOCK)]
            for start, end in masker.spans(piece):
                os.pwrite(descriptor, MASK[:1].encode() * (end - start), offset + start)
            offset += len(piece)
    finally:
        os.close(descriptor)
