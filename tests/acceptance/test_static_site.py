"""The bundled service static-site: publishing, switching, going back."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from testing.bundled import (
    MARK,
    RUN_LIMIT,
    Play,
    Run,
    environment,
    playbook_command,
    run_playbook,
    survivors,
)


@pytest.fixture(scope="module")
def first_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """Publish the site with its defaults only; return the run and its home folder."""
    home = tmp_path_factory.mktemp("home")
    return run_playbook(home, "static-site"), home


@pytest.fixture
def site(first_site: tuple[Run, Path], tmp_path: Path) -> Path:
    """Return a copy of the published site that belongs to the test."""
    _, home = first_site
    copy = tmp_path / "site"
    shutil.copytree(home / ".local/share/fastdeploy/static-site", copy, symlinks=True)
    return copy


def releases(site: Path) -> set[str]:
    """Return the versions that are kept."""
    return {path.name.partition("-")[0] for path in (site / "releases").iterdir()}


def served(site: Path) -> dict[str, Any]:
    """Return the description of the current release."""
    description = json.loads((site / "current/release.json").read_text())
    assert isinstance(description, dict)
    return description


def snapshot(folder: Path) -> dict[str, str | bytes | None]:
    """Return all paths of a folder with what they hold."""

    def content(path: Path) -> str | bytes | None:
        if path.is_symlink():
            return str(path.readlink())
        return path.read_bytes() if path.is_file() else None

    return {str(p.relative_to(folder)): content(p) for p in folder.rglob("*")}


def test_site_is_published_with_its_defaults(first_site: tuple[Run, Path]) -> None:
    run, home = first_site
    site = home / ".local/share/fastdeploy/static-site"

    assert 0 == run.rc
    counts = run.recap["localhost"]
    assert counts["ok"] >= 20
    assert counts["changed"] > 0
    assert counts["skipped"] > 0
    assert "1.0.0" == served(site)["version"]
    assert not (site / "current").readlink().is_absolute()


def test_site_of_the_same_content_changes_nothing(play: Play, site: Path) -> None:
    before = snapshot(site)

    run = play("static-site", prefix=str(site))

    assert 0 == run.rc
    assert [] == run.changed
    assert before == snapshot(site)


def test_new_title_changes_the_pages_and_the_release_only(
    play: Play, site: Path
) -> None:
    run = play("static-site", "--diff", prefix=str(site), site_title="Fish <& chips>")

    assert 0 == run.rc
    assert [
        "build | Write the pages",
        "build | Describe the release",
        "publish | Create the folder of the release",
        "publish | Copy the site into the release",
        "publish | Switch to the release",
    ] == run.changed
    assert (
        "-    <p>A small site</p>\n+    <p>Fish &lt;&amp; chips&gt;</p>" in run.output
    )
    assert "Fish <& chips>" not in (site / "current/index.html").read_text()
    assert "Fish <& chips>" == served(site)["title"]


def test_new_version_is_switched_to_and_the_oldest_release_removed(
    play: Play, site: Path
) -> None:
    for age, version in enumerate(["0.9.0", "0.8.0"], start=1):
        old = site / "releases" / f"{version}-0"
        old.mkdir()
        day = old.stat().st_mtime - age * 86_400
        os.utime(old, (day, day))

    run = play("static-site", prefix=str(site), site_version="2.0.0", keep_releases=3)

    assert 0 == run.rc
    assert "2.0.0" == served(site)["version"]
    assert {"2.0.0", "1.0.0", "0.9.0"} == releases(site)


def test_current_release_is_kept_even_if_it_is_the_oldest(
    play: Play, site: Path
) -> None:
    day = site.stat().st_mtime - 86_400
    os.utime(site / "current", (day, day))
    (site / "releases/2.0.0-0").mkdir()

    run = play("static-site", prefix=str(site), keep_releases=1)

    assert 0 == run.rc
    assert {"1.0.0"} == releases(site)
    assert "1.0.0" == served(site)["version"]


def test_failed_verification_goes_back_to_the_previous_release(
    play: Play, site: Path
) -> None:
    run = play(
        "static-site", prefix=str(site), site_version="2.0.0", break_verification=True
    )

    assert 2 == run.rc
    assert 1 == run.recap["localhost"]["rescued"]
    assert "missing.html was answered with 404" in run.output
    assert "The previous release is served again: releases/1.0.0-" in run.output
    assert "publish | Switch to the release" in run.changed
    assert "1.0.0" == served(site)["version"]
    assert {"1.0.0"} == releases(site)


def test_failed_verification_of_a_first_release_serves_nothing(
    play: Play, tmp_path: Path
) -> None:
    site = tmp_path / "site"

    run = play("static-site", prefix=str(site), break_verification=True)

    assert 2 == run.rc
    assert "There was no previous release to restore." in run.output
    assert not os.path.lexists(site / "current")
    assert set() == releases(site)


def test_site_does_not_replace_what_it_did_not_make(play: Play, tmp_path: Path) -> None:
    precious = tmp_path / "site/current/precious"
    precious.mkdir(parents=True)

    run = play("static-site", prefix=str(tmp_path / "site"))

    assert 2 == run.rc
    assert "current is not a symbolic link" in run.output
    assert precious.is_dir()


@pytest.mark.parametrize(
    "variables",
    [
        {"site_version": "../../1.0.0"},
        {"site_version": "1.0.0\n"},
        {"site_title": " "},
        {"prefix": "relative/path"},
        {"keep_releases": 0},
    ],
    ids=["path", "newline", "title", "prefix", "keep"],
)
def test_site_refuses_bad_variables_before_it_touches_anything(
    play: Play, tmp_path: Path, variables: dict[str, object]
) -> None:
    run = play("static-site", **{"prefix": str(tmp_path / "site"), **variables})

    assert 2 == run.rc
    assert "Set site_title to some text, site_version to three numbers" in run.output
    assert [] == run.changed
    assert not (tmp_path / "site").exists()


def test_interrupted_run_leaves_no_process_and_no_half_release(
    site: Path, tmp_path: Path
) -> None:
    # Python loses an interrupt that comes within the hooks behind a fork. Then the run
    # is complete, and another one is interrupted.
    for version in ("2.0.0", "3.0.0", "4.0.0", "5.0.0"):
        before = (site / "current").readlink()
        env = environment(tmp_path)
        code = interrupt(
            playbook_command("static-site", prefix=str(site), site_version=version),
            env, tmp_path, after="(item=index.html)",
        )  # fmt: skip
        assert [] == survivors(env[MARK])
        if code != 0:
            break

    assert code != 0
    assert before == (site / "current").readlink()


def interrupt(
    command: list[str], env: dict[str, str], folder: Path, *, after: str
) -> int:
    """Interrupt a run once it has printed `after`; returns its exit code."""
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert any(after in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=RUN_LIMIT)
    return process.returncode
