"""How far followers are behind the journals of their runs."""

from pathlib import Path

import pytest

from app.settings import Settings
from app.worker.lag import FollowerLag
from app.worker.run import run_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(var=tmp_path)


def write(settings: Settings, deployment_id: int, size: int) -> None:
    journal = run_of(settings, deployment_id).journal
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_bytes(b"x" * size)


def test_the_lag_is_the_age_of_the_oldest_byte_that_is_not_recorded(
    settings: Settings,
) -> None:
    now = 1000.0
    measured = FollowerLag(settings, lambda: now)
    write(settings, 1, 100)
    write(settings, 2, 10)

    assert (0, 0.0) == measured.measure({})
    assert (100, 0.0) == measured.measure({1: 0, 2: 10})
    now += 3
    write(settings, 1, 250)
    assert (200, 3.0) == measured.measure({1: 50, 2: 10})
    now += 3
    # The first 100 bytes are recorded; the others were seen 3 s ago.
    assert (150, 3.0) == measured.measure({1: 100, 2: 10})
    now += 3
    assert (0, 0.0) == measured.measure({1: 250, 2: 10})


def test_a_run_without_a_journal_has_no_lag(settings: Settings) -> None:
    assert (0, 0.0) == FollowerLag(settings).measure({7: 0})
