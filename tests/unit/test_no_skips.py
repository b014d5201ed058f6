"""The plugin that CI adds to pytest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testing.paths import ROOT

SKIPPED = "import pytest\n\n@pytest.mark.skip\ndef test_it(): ...\n"
SKIPPED_MODULE = "import pytest\n\npytest.skip(allow_module_level=True)\n"
PASSED = "def test_it(): ...\n"
FAILED_AS_EXPECTED = (
    "import pytest\n\n@pytest.mark.xfail\ndef test_it():\n    raise ValueError\n"
)


def run(
    folder: Path, content: str, *options: str
) -> "subprocess.CompletedProcess[str]":
    (folder / "test_one.py").write_text(content)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "testing.no_skips", *options, folder],
        cwd=folder, check=False, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "name"),
    [(SKIPPED, "test_one.py::test_it"), (SKIPPED_MODULE, "test_one.py")],
    ids=["test", "module"],
)
@pytest.mark.parametrize("options", [(), ("-n1",)], ids=["alone", "xdist"])
def test_a_skipped_test_fails_the_session_and_is_named(
    tmp_path: Path, content: str, name: str, options: tuple[str, ...]
) -> None:
    done = run(tmp_path, content, *options)

    assert 1 == done.returncode, done.stdout
    assert f"skipped, which fails CI: {name}\n" in done.stdout


@pytest.mark.parametrize("content", [PASSED, FAILED_AS_EXPECTED], ids=["pass", "xfail"])
def test_other_tests_do_not_fail_the_session(tmp_path: Path, content: str) -> None:
    assert 0 == run(tmp_path, content).returncode
