"""A host with a service as the role registers it."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import jinja2

from app.doctor import diagnosis
from app.domain.finding import Finding, Level
from app.settings import Settings
from testing.accounts import DEPLOY, READERS
from testing.installation import Installation
from testing.paths import ROOT

#: FastDeploy's own user; the worker itself is root's, since a test's Python may be.
SELF = f"fdself{os.getpid() % 100_000}"
CONFIG = '{"name": "hello", "deploy_script": "deploy.py"}'
TEMPLATES = ROOT / "roles" / "fastdeploy_register_service" / "templates"


@dataclass(frozen=True)
class RegisteredHost:
    """A host with the service `hello`, registered for FastDeploy's user SELF."""

    made: Installation
    folder: Path

    @property
    def etc(self) -> Path:
        """The folder with the configuration of sudo and age."""
        return self.folder / "etc"

    @property
    def home(self) -> Path:
        """The home of the deploy user."""
        return self.folder / "home"

    @property
    def program(self) -> Path:
        """The program that its runs execute."""
        return self.home / "runners" / "hello" / "deploy.py"

    @property
    def helper(self) -> Path:
        """The program that stops its runs."""
        return self.folder / "bin" / "stop-run"

    @property
    def service(self) -> Path:
        """The folder of the service."""
        return self.made.services / "hello"

    @property
    def key(self) -> Path:
        """The key with which the deploy user decrypts files."""
        return self.etc / "age" / f"{DEPLOY}.key"

    def rules(self, template: str) -> Path:
        """Where the rules of one of the role's templates are."""
        return Path("/etc/sudoers.d", f"{SELF}-{template}")

    def register(self) -> None:
        """Do what the role does; what is there already is made as it must be."""
        subprocess.run(["usermod", "-aG", READERS, DEPLOY], check=True)
        put(self.home, 0o1771, group=DEPLOY)
        put(self.home / "runners", 0o755)
        put(self.program.parent, 0o750, group=DEPLOY)
        put(self.program, 0o750, "#!/bin/sh\n", group=DEPLOY)
        put(self.helper.parent, 0o755)
        put(self.helper, 0o755, "#!/bin/sh\n")
        for folder in (self.etc, self.etc / "age", self.etc / "registered"):
            put(folder, 0o755)
        put(self.etc / "fastdeploy.env", 0o640, "A=secret\n", group=SELF)
        put(self.etc / "age" / f"{DEPLOY}.env", 0o644, f"SOPS_AGE_KEY_FILE={self.key}")
        put(self.key, 0o600, "a key\n", owner=DEPLOY)
        note = json.dumps({"name": "hello", "user": DEPLOY})
        put(self.etc / "registered" / "hello.json", 0o644, note)
        put(self.made.settings.var, 0o700, owner=SELF)
        put(self.service, 0o755)
        put(self.service / "deploy.py", 0o755, "#!/bin/sh\n")
        put(self.service / "config.json", 0o640, CONFIG, group=SELF)
        self.withdraw()
        for template in ("sudoers-service", "sudoers-fastdeploy"):
            self.allow(template, self.render(template))

    def render(self, template: str) -> str:
        """What one of the role's templates becomes on this host."""
        content = (TEMPLATES / f"{template}.j2").read_text()
        template_of_rules = jinja2.Template(content, undefined=jinja2.StrictUndefined)
        rendered: str = template_of_rules.render(
            ansible_managed="",
            fd_fastdeploy_user=SELF,
            fd_deploy_user=DEPLOY,
            fd_fastdeploy_var=str(self.made.settings.var),
            _fastdeploy_register_service_runner=str(self.program.parent),
            _fastdeploy_register_service_program=self.program.name,
            _fastdeploy_common_stop_helper=str(self.helper),
        )  # fmt: skip
        return rendered

    def allow(self, name: str, content: str) -> None:
        """Put rules in place that sudo accepts."""
        put(self.rules(name), 0o440, f"{content}\n")
        subprocess.run(["visudo", "-cqf", self.rules(name)], check=True)

    def withdraw(self) -> None:
        """Leave sudo without a rule of ours."""
        for path in Path("/etc/sudoers.d").glob(f"{SELF}-*"):
            path.unlink()

    def findings(self, settings: Settings | None = None) -> tuple[Finding, ...]:
        """Return every finding of the doctor."""
        chosen = settings or self.made.settings
        return diagnosis.examine(self.made.store, chosen, "hello", self.etc).findings

    def problems(self) -> list[Finding]:
        """Return the findings that are not OK."""
        return [each for each in self.findings() if each.level is not Level.OK]

    def fix(self, command: str) -> None:
        """Run the command of a finding, or do what it would do here."""
        if "justw register-one" in command or command.startswith("grep "):
            self.register()
        elif command == "fastdeploy service sync":
            self.made.sync()
        else:
            subprocess.run(["sh", "-ec", command], check=True)


def put(
    path: Path,
    mode: int,
    content: str | None = None,
    *,
    owner: str = "root",
    group: str = "root",
) -> None:
    """Make a folder, or a file with that content, as install(1) does."""
    if content is None:
        path.mkdir(parents=True, exist_ok=True)
    else:
        path.write_text(content)
    shutil.chown(path, owner, group)
    path.chmod(mode)
