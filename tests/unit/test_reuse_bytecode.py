"""The bytecode of a release that the next one reuses."""

import os
import py_compile
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "roles/fastdeploy_deploy/files/reuse-bytecode"
PACKAGES = ".venv/lib/python3/site-packages"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A release whose modules are compiled."""
    return write_release(tmp_path / "other", compiled=True)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A later release with the same modules, none of which is compiled."""
    return write_release(tmp_path / "release", compiled=False)


def write_release(folder: Path, *, compiled: bool) -> Path:
    for name in ("app/web.py", f"{PACKAGES}/wheel.py"):
        module = folder / name
        module.parent.mkdir(parents=True)
        module.write_text("ANSWER = 42\n")
        if compiled:
            os.utime(module, (1_000_000_000, 1_000_000_000))
            py_compile.compile(str(module), doraise=True)
    return folder


def bytecode(module: Path) -> Path:
    return Path(cache_from_source(str(module)))


def reuse(release: Path, other: Path) -> list[str]:
    """Run the program; return the modules that have bytecode then."""
    subprocess.run([sys.executable, PROGRAM, release, other], check=True)
    modules = sorted(release.rglob("*.py"))
    return [str(m.relative_to(release)) for m in modules if bytecode(m).exists()]


def test_python_uses_the_bytecode_of_the_same_modules(
    release: Path, other: Path, tmp_path: Path
) -> None:
    assert [f"{PACKAGES}/wheel.py", "app/web.py"] == reuse(release, other)

    module = release / "app/web.py"
    compiled = tmp_path / "compiled.pyc"
    py_compile.compile(str(module), str(compiled), doraise=True)
    assert compiled.read_bytes()[:16] == bytecode(module).read_bytes()[:16]
    imported = subprocess.run(
        [sys.executable, "-v", "-c", "import web; print(web.ANSWER)"],
        cwd=module.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "42\n" == imported.stdout
    assert f"code object from '{bytecode(module)}'" in imported.stderr


def test_each_user_may_read_it(release: Path, other: Path) -> None:
    mask = os.umask(0o077)
    try:
        reuse(release, other)
    finally:
        os.umask(mask)

    assert 0o644 == bytecode(release / "app/web.py").stat().st_mode & 0o777


def test_a_changed_module_is_compiled_by_the_release(
    release: Path, other: Path
) -> None:
    (release / "app/web.py").write_text("ANSWER = 43\n")

    assert [f"{PACKAGES}/wheel.py"] == reuse(release, other)


def test_bytecode_that_is_older_than_its_module_is_left(
    release: Path, other: Path
) -> None:
    os.utime(other / "app/web.py", (1_000_000_001, 1_000_000_001))

    assert [f"{PACKAGES}/wheel.py"] == reuse(release, other)


def test_bytecode_of_another_python_is_left(release: Path, other: Path) -> None:
    found = bytecode(other / "app/web.py")
    found.write_bytes(bytes(4) + found.read_bytes()[4:])

    assert [f"{PACKAGES}/wheel.py"] == reuse(release, other)


def test_the_first_release_has_nothing_to_reuse(release: Path, tmp_path: Path) -> None:
    assert [] == reuse(release, tmp_path / "current")
