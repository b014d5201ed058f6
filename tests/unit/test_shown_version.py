"""The version that is shown: of a commit, a release, or what is installed."""

import subprocess
from pathlib import Path

import pytest
from packaging.version import Version

from app import __version__
from app.version import from_description, version
from testing.paths import ROOT


@pytest.mark.parametrize(
    ("described", "shown"),
    [
        ("v1.2.0-0-g0a1b2c3", "1.2.0"),
        ("v1.2.0-12-g0a1b2c3", "1.2.0.post12+g0a1b2c3"),
        ("v1.2.0-12-g0a1b2c3-dirty", "1.2.0.post12+g0a1b2c3.dirty"),
        ("v1.2.0-0-g0a1b2c3-dirty", "1.2.0.post0+g0a1b2c3.dirty"),
        ("0a1b2c3", f"{__version__}.dev345+g0a1b2c3"),
        ("0a1b2c3-dirty", f"{__version__}.dev345+g0a1b2c3.dirty"),
        ("", __version__),
    ],
)
def test_a_description_by_git_is_a_version_by_pep_440(
    described: str, shown: str
) -> None:
    assert shown == from_description(described, 345)
    assert shown == str(Version(shown))


def test_a_working_tree_shows_its_commit() -> None:
    commit = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True,
        check=True,
    ).stdout.strip()  # fmt: skip

    short = version().partition("+g")[2].removesuffix(".dirty")

    # A tagged release has no commit in its version.
    assert commit.startswith(short)


def test_a_source_distribution_shows_its_own_version(tmp_path: Path) -> None:
    """Its folder has no repository, but the metadata."""
    package = tmp_path / "app"
    package.mkdir()
    for name in ("__init__.py", "version.py"):
        (package / name).write_text((ROOT / "app" / name).read_text())
    metadata = "Metadata-Version: 2.4\nName: fastdeploy\nVersion: 9.8.7\n\nVersion: 1\n"
    (tmp_path / "PKG-INFO").write_text(metadata)

    shown = subprocess.run(
        ["python3", "-c", "from app.version import version; print(version())"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "9.8.7\n" == shown.stdout
