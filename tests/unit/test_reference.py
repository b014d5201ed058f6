"""The reference is written from the code, and is as new as the code."""

import pytest

from tools import reference


@pytest.mark.parametrize("name", reference.FILES)
def test_the_reference_says_what_the_code_says(name: str) -> None:
    written = reference.FILES[name]()

    assert (reference.REFERENCE / name).read_text() == written, (
        "write it anew: python -m tools.reference"
    )
