"""A journal is redacted in place."""

from pathlib import Path

import pytest

from app.runner.masking import Masker
from app.worker.redact import BLOCK, redact

SECRET = b"hunter2-long"


@pytest.mark.parametrize("at", [0, 5, BLOCK - 4, BLOCK, 2 * BLOCK - len(SECRET)])
def test_a_secret_is_written_over_wherever_it_stands(tmp_path: Path, at: int) -> None:
    journal = tmp_path / "journal"
    before, after = b"x" * at, b"y" * BLOCK
    journal.write_bytes(before + SECRET + after)

    redact(journal, Masker([SECRET.decode()]))

    assert before + b"*" * len(SECRET) + after == journal.read_bytes()


def test_secrets_that_overlap_at_the_end_of_a_block_are_written_over_whole(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "journal"
    before = b"x" * (BLOCK - 8)
    journal.write_bytes(before + b"first-shared-second" + b"y" * 100)

    redact(journal, Masker(["first-shared", "shared-second"]))

    assert before + b"*" * 19 + b"y" * 100 == journal.read_bytes()


def test_without_secrets_a_journal_need_not_be_there(tmp_path: Path) -> None:
    redact(tmp_path / "gone", Masker([]))

    assert not (tmp_path / "gone").exists()
