"""The wheel is complete: installed as a tool, `fastdeploy up` needs no checkout."""

import json
import os
import re
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.version import version
from testing.installation import is_ready
from testing.paths import ROOT
from testing.ports import free_port
from testing.processes import Process
from testing.waiting import eventually

PLAYBOOK = """\
- name: Greet
  hosts: localhost
  gather_facts: false
  tasks:
    - name: greet | Say hello
      ansible.builtin.debug:
        msg: "hello from {{ playbook_dir | basename }}"
"""


pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True)
class Tool:
    """FastDeploy as `uv tool install` installs it, and an empty folder."""

    wheel: Path
    program: Path
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of a user: no variable leads to the checkout."""
        kept = ("HOME", "LANG", "XDG_RUNTIME_DIR", "TMPDIR")
        env = {name: os.environ[name] for name in kept if name in os.environ}
        return env | {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/bin"}

    def run(self, *arguments: str) -> str:
        """Run a command to its success, and return what it prints."""
        done = subprocess.run(
            [self.program, *arguments], cwd=self.folder, env=self.env, text=True,
            capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        assert 0 == done.returncode, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def tool(runtime_folder: Path) -> Iterator[Tool]:
    """Build the wheel, and install it with the locked versions of its dependencies."""
    top = runtime_folder / "tool"
    empty = top / "empty"
    empty.mkdir(parents=True)
    env = os.environ | {
        "UV_TOOL_DIR": str(top / "tools"), "UV_TOOL_BIN_DIR": str(top / "bin"),
    }  # fmt: skip
    env.pop("VIRTUAL_ENV", None)

    def uv(*arguments: object) -> None:
        done = subprocess.run(
            ["uv", *map(str, arguments)], cwd=ROOT, env=env, text=True,
            capture_output=True, check=False, timeout=170,
        )  # fmt: skip
        assert 0 == done.returncode, done.stderr

    locked = top / "locked.txt"
    uv("export", "--frozen", "--extra", "embedded", "--no-dev", "--no-hashes",
       "--no-emit-project", "--quiet", "--output-file", locked)  # fmt: skip
    uv("build", "--wheel", "--out-dir", top)
    (wheel,) = top.glob("*.whl")
    uv("tool", "install", f"fastdeploy[embedded] @ {wheel.as_uri()}",
       "--constraints", locked)  # fmt: skip
    yield Tool(wheel, top / "bin" / "fastdeploy", empty)
    shutil.rmtree(top)


def test_the_wheel_has_what_is_served_and_nothing_of_the_checkout(tool: Tool) -> None:
    names = set(zipfile.ZipFile(tool.wheel).namelist())

    def below(folder: str) -> set[str]:
        paths = (ROOT / folder).rglob("*")
        return {str(p.relative_to(ROOT / folder)) for p in paths if p.is_file()}

    for there, source in (
        ("app/web/templates", "templates"),
        ("app/web/static", "app/web/static"),
        ("app/web/docs", "app/web/docs"),
    ):
        assert below(source) <= {
            name.removeprefix(f"{there}/") for name in names if name.startswith(there)
        }
    assert {"app/store/migrations/env.py", "app/runner/askpass"} <= names
    assert {"app"} == {
        name.partition("/")[0] for name in names if ".dist-info/" not in name
    }


def test_up_in_an_empty_folder_serves_migrates_and_deploys(
    tool: Tool, tmp_path: Path
) -> None:
    # A folder of the user that has the name of our package.
    (tool.folder / "app").mkdir()
    (tool.folder / "app" / "__init__.py").write_text("raise SystemExit('wrong app')\n")
    assert f"fastdeploy {version()}\n" == tool.run("--version")
    assert f"fastdeploy-{version()}-" in tool.wheel.name.replace("_", ".")

    port = free_port()
    started = Process(
        [str(tool.program), "up", "--port", str(port)], tool.env, tmp_path / "up.log",
        cwd=tool.folder,
    )  # fmt: skip
    try:
        eventually(lambda: "FastDeploy is at" in started.log or started.exit_code)
        assert started.exit_code is None, started.log
        assert f"its data is in {tool.folder / 'var'}" in started.log
        look_around(port, started.log)
        deploy_a_playbook(tool)
    finally:
        os.kill(started.pid, signal.SIGINT)
        assert 0 == started.wait(), started.log
    assert {"app", "services", "var"} == {path.name for path in tool.folder.iterdir()}


def look_around(port: int, log: str) -> None:
    """Log in, and get a page, a static file, and the page about the documentation."""
    password = re.findall(r"Log in as admin with the password (\S+)", log)[0]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        eventually(lambda: is_ready(client))
        page = client.get("/login")
        assert f"FastDeploy {version()}" in page.text
        styles = re.findall(r'href="(/static/[^"]+\.css)"', page.text)
        assert 1 == len(styles)
        assert "text/css" in client.get(styles[0]).headers["content-type"]
        form = {"name": "admin", "password": password}
        assert 303 == client.post("/login", data=form).status_code
        assert 200 == client.get("/docs").status_code


def deploy_a_playbook(tool: Tool) -> None:
    folder = tool.folder / "services" / "greet"
    folder.mkdir()
    (folder / "site.yml").write_text(PLAYBOOK)
    config = {"name": "greet", "playbook": "site.yml"}
    (folder / "config.json").write_text(json.dumps(config))
    assert "greet" in tool.run("service", "sync")
    assert "hello from greet" in tool.run("deploy", "greet", "--follow")
