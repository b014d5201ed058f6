"""Build an execution environment with uv and ansible-galaxy."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import RunnerError
from .execution_environment import Place, Requirements, entries
from .yaml_nodes import parse

#: The oldest Python that ansible-core 2.19 runs with.
_OLDEST = (3, 11)
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
#: The first line of an error of uv or ansible-galaxy; lines that follow continue it.
_ERROR = re.compile(
    r"\s*(?:╰─▶|error:|cause:|ERROR!|\[ERROR\]:?|\N{MULTIPLICATION SIGN})\s*"
)
_ABOUT_PYTHON = re.compile(r"\bPython *[<>=!~]|\bPython (?:version|ABI|tag)|wheel")
_HINT = re.compile(r"\s*(?:hint:|╰─▶ hint)")
#: Reasons are shown in one line.
_MAX_REASON = 500


@dataclass(frozen=True)
class Python:
    """A Python interpreter of this host."""

    version: tuple[int, ...]
    path: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.version))} ({self.path})"


@dataclass(frozen=True)
class Build:
    """One build: where, of what, and with which environment and exclusive lock."""

    place: Place
    requirements: Requirements
    env: Mapping[str, str]
    #: Inherited by each program, so that the lock is held until the last one has ended.
    lock: int

    def run(self) -> None:
        """Build the environment; what an earlier build left is removed first.

        The programs print to standard output.

        Raises:
            RunnerError: A program failed, with the reason that it printed.
        """
        self.place.clear()
        folder = self.place.folder
        folder.mkdir(parents=True)
        wanted, resolved = folder / "python.txt", folder / "resolved.txt"
        wanted.write_text("\n".join(self.requirements.packages) + "\n")
        uv = self._uv()
        python = self._resolve(uv, wanted, resolved)
        venv = folder / "venv"
        self._call([uv, "venv", "--no-project", "--python", python.path, str(venv)])
        self._call([uv, "pip", "install", "--python", str(venv / "bin" / "python"),
                    "-r", str(resolved)])  # fmt: skip
        for file in self.requirements.files:
            content = parse(file.read_bytes())
            # Both in one call with -p would install the roles only.
            for kind in ("role", "collection"):
                if entries(content, f"{kind}s"):
                    self._install(kind, file)
        self._describe(python, resolved)
        (folder / "used").touch()
        (folder / "complete").touch()

    def _uv(self) -> str:
        uv = shutil.which("uv", path=self.env["PATH"])
        if uv is None:
            raise RunnerError("There is no uv in PATH: install uv beside FastDeploy.")
        return uv

    def _resolve(self, uv: str, wanted: Path, resolved: Path) -> Python:
        """Write the exact versions; return the newest Python that they run with."""
        found = pythons(self._output([uv, "python", "list", "--only-installed",
                                      "--output-format", "json"]))  # fmt: skip
        usable = [each for each in found if each.version >= _OLDEST]
        reasons: list[str] = []
        for python in usable:
            command = [uv, "pip", "compile", "--quiet", "--no-header", "-o",
                       str(resolved), "--python", python.path, str(wanted)]  # fmt: skip
            try:
                self._call(command)
            except RunnerError as error:
                print(f"Python {python} doesn't fit.", flush=True)
                reasons.append(str(error))
                if not is_about_python(reasons[-1]):
                    break
            else:
                print(f"Using Python {python}", flush=True)
                return python
        known = ", ".join(map(str, found)) or "none"
        needed = ".".join(map(str, _OLDEST))
        if usable and not any(map(is_about_python, reasons)):
            # Another Python wouldn't help: a package doesn't exist, or no network.
            raise RunnerError(reasons[0])
        raise RunnerError(
            f"no Python of this host fits {', '.join(self.requirements.packages)}; "
            f"found (at least {needed} is needed): {known}"
            + (f"; {reasons[0]}" if reasons else "")
        )

    def _install(self, kind: str, file: Path) -> None:
        target = self.place.folder / f"{kind}s"
        galaxy = self.place.programs / "ansible-galaxy"
        self._call([str(galaxy), kind, "install", "-r", str(file), "-p", str(target)],
                   folder=self.requirements.folder)  # fmt: skip

    def _describe(self, python: Python, resolved: Path) -> None:
        packages = [
            line.partition(" ")[0]
            for line in resolved.read_text().splitlines()
            if line[:1].isalnum()
        ]
        core = next(p for p in packages if p.startswith("ansible-core=="))
        about = {
            "name": self.place.name,
            "created": time.time(),
            "ansible_core": core.partition("==")[2],
            "python": ".".join(map(str, python.version)),
            "packages": packages,
            "requirements": [
                str(file.relative_to(self.requirements.folder))
                for file in self.requirements.files
            ],
        }
        (self.place.folder / "environment.json").write_text(json.dumps(about) + "\n")

    def _call(self, command: Sequence[str], folder: Path | None = None) -> None:
        """Run a program and print its output.

        Raises:
            RunnerError: It failed, with the reason that it printed.
        """
        lines: list[str] = []
        with subprocess.Popen(
            command, cwd=folder or self.place.folder, env=self._environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            pass_fds=(self.lock,), text=True, errors="replace",
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line.rstrip())
        if process.returncode:
            name = Path(command[0]).name
            reason = find_reason(lines) or f"exit code {process.returncode}"
            raise RunnerError(f"{name}: {reason}")

    def _output(self, command: Sequence[str]) -> str:
        done = subprocess.run(
            command, cwd=self.place.folder, env=self._environment(), text=True,
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            pass_fds=(self.lock,), errors="replace",
        )  # fmt: skip
        if done.returncode:
            raise RunnerError(f"uv: {find_reason(done.stderr.splitlines())}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {
            # Only the host may know the issuer of an organization's package index.
            "UV_SYSTEM_CERTS": "1",
            **self.env,
            "PATH": os.pathsep.join((str(self.place.programs), self.env["PATH"])),
            "ANSIBLE_FORCE_COLOR": "False",
            "ANSIBLE_NOCOLOR": "True",
            "COLUMNS": "10000",
            "GIT_TERMINAL_PROMPT": "0",
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON_DOWNLOADS": "never",
        }


def is_about_python(reason: str) -> bool:
    """Return whether uv's reason may be the version or the platform of Python."""
    return _ABOUT_PYTHON.search(reason) is not None


def pythons(listed: str) -> list[Python]:
    """Return the newest Python of each minor version in uv's list, newest first."""
    found: dict[tuple[int, ...], Python] = {}
    for each in json.loads(listed):
        parts = each["version_parts"]
        version = (parts["major"], parts["minor"], parts["patch"])
        stable = each["version"] == ".".join(map(str, version))
        usable = each["implementation"] == "cpython" and each["variant"] == "default"
        if stable and usable and each["path"]:
            known = found.get(version[:2])
            if known is None or known.version < version:
                found[version[:2]] = Python(version, each["path"])
    return sorted(found.values(), key=lambda each: each.version, reverse=True)


def find_reason(lines: Sequence[str]) -> str:
    """Return the error at the end of a program's output, as one line."""
    plain = [_COLORS.sub("", line) for line in lines if line.strip()]
    last = next(
        (n for n in reversed(range(len(plain)))
         if _ERROR.match(plain[n]) and not _HINT.match(plain[n])),
        len(plain) - 1,
    )  # fmt: skip
    kept: list[str] = []
    for line in plain[max(last, 0) :]:
        if kept and _HINT.match(line):
            break
        kept.append(_ERROR.sub("", line, count=1).strip(" │"))
    return " ".join(filter(None, kept))[:_MAX_REASON]
