"""A host whose runs belong to another user, by rules of sudo."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from testing.accounts import DEPLOY
from testing.installation import Installation
from testing.paths import ROOT

#: Leaves a job of `async` that became another user.
BECOMES = f"""
- hosts: localhost
  gather_facts: false
  become: true
  become_user: {DEPLOY}
  vars:
    ansible_python_interpreter: /usr/bin/python3
  tasks:
    - ansible.builtin.command: sleep 600
      async: 900
      poll: 1
"""


@dataclass(frozen=True)
class Host:
    """A host with a deploy user and a folder of runners, as registration makes them."""

    folder: Path
    runners: Path
    config_folder: Path
    rules: Path

    @property
    def helper(self) -> Path:
        """Root's own program that stops runs."""
        return self.folder / "stop"

    @property
    def stopped(self) -> Path:
        """What the helper was called with, a line for each call."""
        return self.folder / "stopped"

    def install_helper(self, var: Path) -> None:
        """Install what stops the runs of one installation, and nothing else."""
        self.helper.write_text(
            f'#!/bin/sh\necho "$@" >>{self.stopped}\n'
            f'cd {ROOT} && exec {sys.executable} -P -m app.runner.stop "$@"\n'
        )
        self.helper.chmod(0o755)
        pattern = f"^{var}/runs/[0-9]+ (INT|TERM|KILL|COUNT)$"
        self.write_rules(
            self.stop_rules,
            # Who is stopped is found by this mark, so sudo has to leave it in place.
            f"Defaults>{DEPLOY} env_keep += FASTDEPLOY_RUN\n"
            f"{self.stop_nothing}"
            f"root ALL=(root) NOPASSWD: {self.helper} {pattern}\n",
        )

    @property
    def stop_nothing(self) -> str:
        """A rule that takes from root what Debian's own rules allow it."""
        return f"root ALL=(root) !{self.helper}\n"

    @property
    def stop_rules(self) -> Path:
        """The file with the rule of the stop helper."""
        return self.rules.with_name(f"{self.rules.name}-stop")

    def write_rules(self, path: Path, content: str) -> None:
        """Put rules in place that sudo accepts."""
        path.write_text(content)
        path.chmod(0o440)
        subprocess.run(["visudo", "-cqf", path], check=True)

    def register(self, made: Installation, name: str, script: str) -> Path:
        """Register a script: root's own runner, and the rule that lets it be run."""
        made.write_service(name, script)
        program = self.runners / name / "deploy.py"
        program.parent.mkdir()
        program.write_text(script)
        program.chmod(0o755)
        pattern = f"^--config {self.config_folder}/fastdeploy-[0-9]+\\.json$"
        rule = (
            f"root ALL=({DEPLOY}) CWD={program.parent} NOPASSWD: {program} {pattern}\n"
        )
        # Root may do everything by Debian's own rules: the last match decides.
        self.write_rules(self.rules, f"root ALL=({DEPLOY}) !ALL\n{rule}")
        return program

    def withdraw(self) -> None:
        """Leave the user without any rule that lets root be them."""
        self.rules.write_text(f"root ALL=({DEPLOY}) !ALL\n")
