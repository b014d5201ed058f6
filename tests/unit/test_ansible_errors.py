"""The errors with which Ansible ends a run itself, as two versions printed them."""

from pathlib import Path

import pytest

from app.domain.ansible_errors import find

#: What ansible-playbook printed, by version and cause, with colours.
RECORDED = Path(__file__).parents[1] / "data" / "ansible_errors"
UNKNOWN = (
    "couldn't resolve module/action '{}'. This often indicates a misspelling, "
    "missing collection, or incorrect module path. (/srv/shop/{})"
)
ROLE = (
    "role 'nobody' was not found in{} /srv/shop/roles:/root/.ansible/roles:"
    "/usr/share/ansible/roles:/etc/ansible/roles:/srv/shop "
    "(/srv/shop/missing_role.yml:4:11)"
)
NOT_THERE = "'/srv/shop/nowhere.yml'"
ENOENT = "[Errno 2] No such file or directory"
REMOTE = (
    "If you are using a module and expect the file to exist on the remote, see the "
    "remote_src option"
)
INI = "Failed to parse inventory with 'ini' plugin: Failed to parse inventory: "
EXPECTED = {
    "undefined_hosts": "Error processing keyword 'hosts': 'target' is undefined "
    "(/srv/shop/undefined_hosts.yml:2:10)",
    "yaml_error": "YAML parsing failed: While scanning a quoted scalar found "
    "unexpected end of stream. (/srv/shop/yaml_error.yml:6:1)",
    "unknown_module": UNKNOWN.format("no_such_module", "unknown_module.yml:5:7"),
    "missing_collection": UNKNOWN.format(
        "community.general.ini_file", "missing_collection.yml:5:7"
    ),
    "included_unknown": UNKNOWN.format("no_such_module", "inc.yml:1:3"),
    "unknown_keyword": "'gather_fact' is not a valid attribute for a Play "
    "(/srv/shop/unknown_keyword.yml:3:3)",
    "vault": "Invalid vars_files file '/srv/shop/secret.yml': Attempting to decrypt "
    "but no vault secrets found.",
    "missing_handler": "The requested handler 'Restart nothing' was not found in "
    "either the main handlers list nor in the listening handlers list",
    "dead_worker": "A worker was found in a dead state",
    "empty_file": "Empty playbook, nothing to do: /srv/shop/empty_file.yml",
    "missing_playbook": "the playbook: nowhere.yml could not be found",
    "inventory_script": "Failed to parse inventory with 'script' plugin: Inventory "
    "script returned non-zero exit code 3. "
    "(<inventory plugin 'script' with source '/srv/shop/dyn.sh'>)",
    "inventory_not_executable": f"{INI}Expected key=value host variable assignment, "
    "got: no token for the cloud (/srv/shop/nox.sh)",
    "inventory_missing": "Unable to parse /srv/shop/nowhere.ini as an inventory source",
}
#: Where the versions differ.
BY_VERSION = {
    "2.19": {
        "missing_role": f"the {ROLE.format('')}",
        "missing_import": "Unable to retrieve file contents. Could not find or access "
        f"{NOT_THERE} on the Ansible Controller. {REMOTE}: {ENOENT}: {NOT_THERE}",
    },
    "2.21": {
        "missing_role": f"The {ROLE.format(':')}",
        "missing_import": "Unable to retrieve file contents. Could not find or access "
        f"{NOT_THERE} on the Ansible Controller: {ENOENT}: {NOT_THERE} {REMOTE}.",
    },
}
CASES = [
    pytest.param(version, cause, sentence, id=f"{version}-{cause}")
    for version, differing in BY_VERSION.items()
    for cause, sentence in sorted((EXPECTED | differing).items())
]


@pytest.mark.parametrize(("version", "cause", "expected"), CASES)
def test_an_error_is_its_sentence_with_its_origin(
    version: str, cause: str, expected: str
) -> None:
    printed = (RECORDED / version / f"{cause}.txt").read_text().split("\n")

    assert expected == str(find(printed))


def test_every_recorded_output_is_read() -> None:
    recorded = {(path.parent.name, path.stem) for path in RECORDED.glob("*/*.txt")}

    assert recorded == {
        (version, cause)
        for version, differing in BY_VERSION.items()
        for cause in EXPECTED | differing
    }


def test_the_last_error_counts() -> None:
    found = find(["[ERROR]: the first", "Origin: a:1:1", "[ERROR]: the last", "", "x"])

    assert "the last" == str(found)


@pytest.mark.parametrize(
    "lines",
    [[], ["all fine"], ["[WARNING]: careful"], ['"msg": "[ERROR]: in a result"']],
    ids=["nothing", "text", "warning", "quoted"],
)
def test_without_an_error_none_is_found(lines: list[str]) -> None:
    assert find(lines) is None
