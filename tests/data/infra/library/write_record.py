#!/usr/bin/python
"""A module of the repository: write a text with its checksum into a file."""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.sums import checksum


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "text": {"type": "str", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    content = f"{checksum(module.params['text'])} {module.params['text']}\n"
    changed = not path.exists() or path.read_text() != content
    if changed and not module.check_mode:
        path.write_text(content)
    module.exit_json(changed=changed, checksum=checksum(module.params["text"]))


if __name__ == "__main__":
    main()
