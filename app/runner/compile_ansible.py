"""Store what every run needs of the Ansible that this Python has.

    PYTHON -m app.runner.compile_ansible

writes Ansible's parsed YAML files and its built modules beside its bytecode, if they
are missing or outdated, and prints what it writes.
"""

from collections.abc import Iterator
from contextlib import suppress

from . import ansible_yaml, built_modules


def main() -> None:
    """Print each file that is compiled."""
    for path in _compiled():
        # As compileall does: the roles call both, and look for this word.
        print(f"Compiling {path!r}...")  # noqa: T201 - a program


def _compiled() -> Iterator[str]:
    yield from ansible_yaml.compile_all()
    # Runs can do without built modules, so nothing of them fails the roles: another
    # ansible-core may have another structure, or the host's ansible.cfg be invalid.
    with suppress(Exception):
        yield from built_modules.build_all(ansible_yaml.write)


if __name__ == "__main__":
    main()
