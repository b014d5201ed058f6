"""List the hosts and tags that a launch of a playbook can choose from."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from app.domain.run_identity import content_folder
from app.domain.service import Service
from app.errors import Conflict
from app.runner import environment
from app.settings import Settings

#: Seconds that an inventory script or plugin may take.
TIMEOUT = 30
#: The maximum number of hosts, groups or tags to return.
MAX_CHOICES = 2000
#: Lines of `ansible-inventory --graph`: `  |--@web:` is a group, `  |--web1` a host.
_GRAPH = re.compile(r"^(?:  \|)*  \|--(@?)(.*?)(:?)$|^(@)(.*):$")
_TAGS = re.compile(r"^ *TASK TAGS: \[(.*)\]$", re.MULTILINE)
#: Groups that every inventory has.
_IMPLICIT = {"all", "ungrouped"}


@dataclass(frozen=True, slots=True)
class LaunchChoices:
    """What a limit and tags may name, sorted; at most MAX_CHOICES of each."""

    hosts: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def list_choices(settings: Settings, service: Service) -> LaunchChoices:
    """Ask Ansible for the hosts, groups and tags of a service's playbook.

    The result is empty for a script, and for a service whose runs belong to another
    user: only that user may read its inventory.

    Raises:
        Conflict: Ansible can't read the inventory or the playbook, or exceeds the
            timeout.
    """
    if not service.playbook or service.registration or settings.run_as:
        return LaunchChoices()
    folder = content_folder(service, settings.run_settings)
    inventory = ["--inventory", service.inventory] if service.inventory else []
    # The group_vars beside the playbook, as in a run.
    place = ["--playbook-dir", str(Path(service.playbook).parent)]
    with ThreadPoolExecutor(2) as both:
        graph = both.submit(
            _ask, folder, service,
            ["ansible-inventory", "--graph", *place, *inventory],
        )  # fmt: skip
        listed = both.submit(
            _ask, folder, service,
            ["ansible-playbook", "--list-tags", *inventory, service.playbook],
        )  # fmt: skip
        groups, hosts = parse_graph(graph.result())
        return LaunchChoices(
            hosts[:MAX_CHOICES], groups[:MAX_CHOICES],
            parse_tags(listed.result())[:MAX_CHOICES],
        )  # fmt: skip


def parse_graph(text: str) -> tuple[list[str], list[str]]:
    """Return the groups and the hosts in the output of `ansible-inventory --graph`."""
    groups: set[str] = set()
    hosts: set[str] = set()
    for is_group, name in _graph(text.splitlines()):
        (groups if is_group else hosts).add(name)
    return sorted(groups - _IMPLICIT), sorted(hosts)


def parse_tags(text: str) -> list[str]:
    """Return the tags in the output of `ansible-playbook --list-tags`."""
    found = {tag.strip() for tags in _TAGS.findall(text) for tag in tags.split(",")}
    return sorted(found - {""})


def _graph(lines: Sequence[str]) -> Iterator[tuple[bool, str]]:
    for line in lines:
        if match := _GRAPH.match(line):
            is_group = bool(match[1] or match[4])
            name = match[2] or match[5] or ""
            # The colon after a group isn't part of its name; a host may end in one.
            yield is_group, name if is_group or not match[3] else f"{name}:"


def _ask(folder: Path, service: Service, command: Sequence[str]) -> str:
    env = environment.build(os.environ, service.environment)
    env |= {"ANSIBLE_NOCOLOR": "True", "ANSIBLE_FORCE_COLOR": "False"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=TIMEOUT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Conflict(f"{command[0]} took longer than {TIMEOUT} seconds") from None
    except OSError as error:
        raise Conflict(f"{command[0]} can't be started: {error.strerror}") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        why = next((line for line in lines if "ERROR" in line), "it failed")
        raise Conflict(f"{command[0]}: {why}")
    return done.stdout
