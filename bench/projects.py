"""Projects: inspecting a repository, making trees, and launching a commit."""

import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from app.repository import inspect
from app.runner import git_tree
from app.runner.git_mirror import Mirror
from app.runner.git_source import GitSource
from app.usecases import project_proposals, projects
from bench.first import seconds_until
from bench.rows import row
from testing.git_repository import GitRepository
from testing.installation import ACTOR
from testing.supervised import SupervisedInstallation, temporary_installation

_PLAYBOOKS, _ROLES = 500, 50
#: Of the large repository: its files, and the bytes of each.
_FILES, _BYTES = 10_000, 20_000
_TIMES = 5
#: The first event of ansible-playbook.
_STARTED = "playbook_on_start"
_PLAYBOOK = """\
- name: Site
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Say it
      ansible.builtin.debug:
        msg: first line
"""
_INVENTORY = "localhost ansible_connection=local\n"


def measure(rounds: int) -> list[Any]:
    """Measure the three ratios of projects, each side by side in every round."""
    with tempfile.TemporaryDirectory(prefix="fastdeploy-bench-") as folder:
        return [
            _inspection(Path(folder), rounds),
            _trees(Path(folder), rounds),
            _start(Path(folder), rounds),
        ]


def _inspection(folder: Path, rounds: int) -> Any:
    repository = GitRepository(folder / "many")
    files = {f"playbooks/{n}.yml": _PLAYBOOK for n in range(_PLAYBOOKS)}
    for number in range(_ROLES):
        for part in ("tasks", "handlers", "defaults", "meta", "vars"):
            content = f"- name: Part {part} of {number}\n  ansible.builtin.debug:\n"
            files[f"roles/role{number}/{part}/main.yml"] = content * 10
    repository.commit("Many", files)
    cat = ["sh", "-c", "git ls-files -z | xargs -0 cat > /dev/null"]
    ours, bare = [], []
    for _ in range(rounds * _TIMES):
        bare.append(
            _seconds(lambda: subprocess.run(cat, cwd=repository.folder, check=True))
        )
        ours.append(_seconds(lambda: inspect(repository.folder)))
    ratio = median(ours) / median(bare)
    return row(
        f"inspecting {_PLAYBOOKS} playbooks and {_ROLES} roles / reading them with cat",
        ratio,
        "at most 3",
        holds=ratio <= 3,
        seconds=round(median(ours), 3),
    )


def _trees(folder: Path, rounds: int) -> Any:
    repository = GitRepository(folder / "large")
    line = "a line of a file that is large\n"
    files: dict[str, str | bytes] = {
        f"files/{n % 100}/{n}": f"{n}\n" + line * (_BYTES // len(line))
        for n in range(_FILES)
    }
    repository.commit("First", files)
    mirror = Mirror(GitSource(f"file://{repository.folder}"), folder / "mirror")
    ours, bare = [], []
    for number in range(rounds * 2):
        commit = repository.commit(f"Change {number}", {"changed": str(number)})
        mirror.fetch(600)
        place = folder / f"worktree-{number}"
        add = ["git", f"--git-dir={mirror.git_dir}", "worktree", "add", "--quiet",
               "--detach", str(place), commit]  # fmt: skip
        # Neither of them pays for what the other one left to write.
        subprocess.run(["sync"], check=True)
        bare.append(_seconds(partial(subprocess.run, add, check=True)))
        subprocess.run(["sync"], check=True)
        ours.append(_seconds(partial(mirror.tree, commit)))
    git_tree.remove_folder(folder / "mirror")
    ratio = median(ours) / median(bare)
    return row(
        "making the tree of a commit with 200 MB / git worktree add",
        ratio,
        "at most 1.3",
        holds=ratio <= 1.3,
        seconds=round(median(ours), 3),
        worktree=round(median(bare), 3),
    )


def _start(folder: Path, rounds: int) -> Any:
    repository = GitRepository(folder / "infra")
    repository.commit("First", {"site.yml": _PLAYBOOK, "hosts": _INVENTORY})
    with temporary_installation("worker", "web") as here:
        here.write_files(
            "plain", {"site.yml": _PLAYBOOK, "hosts": _INVENTORY},
            playbook="site.yml", inventory="hosts",
        )  # fmt: skip
        _add(here, repository.folder)
        ours, plain = [], []
        for _ in range(rounds * _TIMES):
            plain.append(seconds_until(here, "plain", _STARTED))
            ours.append(seconds_until(here, "infra/site", _STARTED))
    more = (median(ours) - median(plain)) * 1000
    return row(
        "ms from POST to ansible-playbook's start that a commit adds",
        more,
        "at most 60",
        holds=more <= 60,
        whole=round(median(ours), 3),
        folder_service=round(median(plain), 3),
    )


def _add(here: SupervisedInstallation, repository: Path) -> None:
    settings = here.settings
    url = f"file://{repository}"
    with project_proposals.propose_repository(url, settings.var, "infra") as proposal:
        projects.add(here.store, settings.services, proposal, ACTOR)
    here.sync()


def _seconds(call: Callable[[], object]) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun
