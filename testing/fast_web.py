"""Make the web application of this process fast, where no test needs its slowness."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import jinja2
import pytest
from argon2 import PasswordHasher
from jinja2.bccache import Bucket

from app.usecases import passwords

#: The hasher of production, for the tests that are about it.
HASHER = passwords.HASHER


class CompiledTemplates(jinja2.BytecodeCache):
    """The compiled templates of this process, for every web application in it.

    Without it, each application compiles what it renders, which takes longer than most
    tests.
    """

    def __init__(self) -> None:
        """Start without any."""
        self._by_key: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load a template into a bucket if it is known."""
        if (known := self._by_key.get(bucket.key)) is not None:
            bucket.bytecode_from_string(known)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template that was compiled."""
        self._by_key[bucket.key] = bucket.bytecode_to_string()


@contextmanager
def fast_web() -> Iterator[None]:
    """Compile each template once, and hash passwords with argon2's lowest cost."""
    environment = partial(jinja2.Environment, bytecode_cache=CompiledTemplates())
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2, "Environment", environment)
        patch.setattr(passwords, "HASHER", cheap)
        yield
