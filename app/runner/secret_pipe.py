"""Hand a secret to another program through a pipe: no argument and no file has it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def secret_pipe(text: str) -> Iterator[int]:
    """Yield a descriptor from which a text and a newline can be read once.

    An empty text is the end of the file, without a newline. The text has to fit into a
    pipe, which holds 64 KiB.
    """
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(f"{text}\n".encode() if text else b"")
        yield reader
    finally:
        os.close(reader)
