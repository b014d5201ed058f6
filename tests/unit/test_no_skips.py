"""The plugin that CI adds to pytest."""

import os
import subprocess
import sys
from pathlib import Path

from testing.paths import ROOT

TESTS = {
    "test_passed.py": "def test_it(): ...\n",
    "test_expected.py": (
        "import pytest\n\n@pytest.mark.xfail\ndef test_it():\n    raise ValueError\n"
    ),
    "test_skipped.py": "import pytest\n\n@pytest.mark.skip\ndef test_it(): ...\n",
    "test_module.py": "import pytest\n\npytest.skip(allow_module_level=True)\n",
}


def test_skipped_tests_and_modules_fail_the_session_and_are_named(
    tmp_path: Path,
) -> None:
    for name, content in TESTS.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "testing.no_skips", "-p", "no:randomly"],
        cwd=tmp_path, check=False, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
    )  # fmt: skip

    assert 1 == done.returncode, done.stdout
    lines = done.stdout.splitlines()
    assert [
        "skipped, which fails CI: test_module.py",
        "skipped, which fails CI: test_skipped.py::test_it",
    ] == [line for line in lines if "fails CI" in line]
    assert "1 passed, 2 skipped, 1 xfailed" in lines[-1]
