"""What a project requires has a name, and keys of fastdeploy.yml are validated."""

import json
from pathlib import Path

import pytest

from app import project_folder
from app.domain import project_file
from app.errors import Invalid
from app.runner import execution_environment
from app.runner.environment_build import find_reason, is_about_python, pythons
from app.runner.errors import RunnerError
from app.runner.execution_environment import Place, Requirements

TEXT = "project: infra\nservices: {site: {playbook: site.yml}}\n"


def requirements(folder: Path, **project: object) -> Requirements:
    found = execution_environment.read(project, folder)
    assert found is not None
    return found


def test_a_project_without_the_keys_requires_nothing(tmp_path: Path) -> None:
    assert execution_environment.read({"python": [], "ansible": ""}, tmp_path) is None


def test_the_name_changes_with_everything_that_is_required(tmp_path: Path) -> None:
    file = tmp_path / "requirements.yml"
    file.write_text("collections: [{name: my/ca, type: dir}]\n")
    (tmp_path / "my" / "ca").mkdir(parents=True)
    source = tmp_path / "my" / "ca" / "galaxy.yml"
    source.write_text("version: 1.0.0\n")
    keys: dict[str, object] = {
        "requirements": ["requirements.yml"],
        "python": ["netaddr"],
        "ansible": ">=2.19",
    }
    names = [requirements(tmp_path, **keys).name]
    again = requirements(tmp_path, **keys).name
    names += [
        requirements(tmp_path, **keys | {"python": ["netaddr>=1"]}).name,
        requirements(tmp_path, **keys | {"ansible": ">=2.20"}).name,
        requirements(tmp_path, **keys | {"requirements": []}).name,
    ]
    source.write_text("version: 1.0.1\n")
    names.append(requirements(tmp_path, **keys).name)
    file.write_text("collections: [{name: my/ca, type: dir}] # changed\n")
    names.append(requirements(tmp_path, **keys).name)

    assert names[0] == again
    assert len(names) == len(set(names))


def test_the_same_requirements_in_two_folders_share_an_environment(
    tmp_path: Path,
) -> None:
    names = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requirements.yml").write_text("roles: [a.b]\n")
        found = requirements(tmp_path / name, requirements=["requirements.yml"])
        names.add(found.name)

    assert len(names) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("requirements", ["../requirements.yml"]),
        ("requirements", ["missing.yml"]),
        ("requirements", "requirements.yml"),
        ("python", ["--index-url=https://example.org"]),
        ("python", ["netaddr\n-r other.txt"]),
        ("ansible", ">=2.19\nother"),
        ("ansible", "@ file:///tmp/other"),
    ],
)
def test_the_runner_refuses_what_a_sync_would_refuse(
    tmp_path: Path, key: str, value: object
) -> None:
    (tmp_path / "requirements.yml").write_text("roles: []\n")

    with pytest.raises(RunnerError, match=f'"{key}"|"requirements"'):
        execution_environment.read({key: value}, tmp_path)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("python: [netaddr, '-r x']", 'python.1: "-r x" is not a requirement such as'),
        ("ansible: '2.19'", 'ansible: "2.19" is not a range of versions such as'),
        ("requirements: requirements.yml", "requirements: "),
    ],
)
def test_an_invalid_key_is_refused_with_its_line(line: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        project_file.parse(f"{TEXT}{line}\n".encode(), "infra")

    assert str(refused.value).startswith(f"fastdeploy.yml, line 3: {sentence}")


@pytest.mark.parametrize(
    ("name", "problem"), [("no.yml", "is missing in"), ("../a.yml", "lies outside")]
)
def test_a_sync_refuses_a_requirements_file_with_its_line(
    tmp_path: Path, name: str, problem: str
) -> None:
    folder = tmp_path / "infra"
    folder.mkdir()
    (folder / "site.yml").write_text("- hosts: all\n")
    (folder / "fastdeploy.yml").write_text(f"{TEXT}requirements:\n- {name}\n")

    found = project_folder.read_project(folder, folder)[0]

    assert ["infra"] == list(found)
    assert f'fastdeploy.yml, line 4: "{name}" {problem}' in str(found["infra"])


def test_a_sync_does_not_look_for_collections_that_will_be_installed(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "infra"
    folder.mkdir()
    (folder / "site.yml").write_text("- hosts: all\n")
    (folder / "requirements.yml").write_text("collections: [no.such]\n")
    (folder / "fastdeploy.yml").write_text(TEXT)
    refused = project_folder.read_project(folder, folder)[0]["infra/site"]
    (folder / "fastdeploy.yml").write_text(f"{TEXT}requirements: [requirements.yml]\n")

    assert "requirements.yml asks for no.such" in str(refused)
    assert not isinstance(
        project_folder.read_project(folder, folder)[0]["infra/site"], str
    )


def test_the_paths_of_the_repository_stay_first(tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").write_text("[defaults]\nroles_path = roles:~/r\n")
    place = Place(tmp_path / "environments", "abc")
    env = {"PATH": "/bin", "HOME": "/home/me"}

    found = execution_environment.variables(place, env, tmp_path)

    own = place.folder
    assert f"{own}/venv/bin:/bin" == found["PATH"]
    assert f"{tmp_path}/roles:/home/me/r:{own}/roles" == found["ANSIBLE_ROLES_PATH"]
    collections = found["ANSIBLE_COLLECTIONS_PATH"].split(":")
    assert [f"{own}/collections", "~/.ansible/collections"] == collections[:2]


def test_the_newest_python_of_each_minor_version_is_used() -> None:
    def listed(version: str, **other: str) -> dict[str, object]:
        parts = [int("".join(filter(str.isdigit, p))) for p in version.split(".")[:3]]
        return {
            "version": version,
            "path": f"/{version}",
            "implementation": "cpython",
            "variant": "default",
            "version_parts": dict(zip(("major", "minor", "patch"), parts, strict=True)),
            **other,
        }

    found = pythons(json.dumps([
        listed("3.11.7"), listed("3.13.0"), listed("3.11.9"),
        listed("3.14.0rc1"), listed("3.14.1", implementation="pypy"),
        listed("3.14.1", variant="freethreaded"),
    ]))  # fmt: skip

    assert ["/3.13.0", "/3.11.9"] == [each.path for each in found]


NO_SOLUTION = """\
Resolving
  \N{MULTIPLICATION SIGN} No solution found when resolving dependencies:
  ╰─▶ Because no-such was not found
      and you require it, that fails.

hint: try again
"""


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (NO_SOLUTION, "Because no-such was not found and you require it, that fails."),
        ("Starting\n[ERROR]: Not found\nin the folder\n", "Not found in the folder"),
        ("Starting\nERROR! \x1b[31mUnknown\x1b[0m\n", "Unknown"),
        ("error: No solution found\n  cause: Because of it\n", "Because of it"),
        ("one\ntwo\n\n", "two"),
        ("", ""),
    ],
)
def test_the_reason_is_the_last_error(output: str, reason: str) -> None:
    assert reason == find_reason(output.split("\n"))


@pytest.mark.parametrize(
    ("reason", "about_python"),
    [
        ("Because the current Python version (3.11.7) does not satisfy Python>=3.12",
         True),
        ("slow has no wheels with a matching Python ABI tag (e.g., `cp311`)", True),
        ("Because no-such was not found in the package registry", False),
        ("you require ansible-core<2.19.0 and ansible-core>=2.19", False),
        ("Failed to fetch: `https://pypi.org/simple/python-dateutil/`", False),
    ],
)  # fmt: skip
def test_other_pythons_are_blamed_only_if_they_could_help(
    reason: str, *, about_python: bool
) -> None:
    assert about_python == is_about_python(reason)
