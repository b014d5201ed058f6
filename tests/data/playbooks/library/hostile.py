"""A module that returns what is meant to be taken for something else."""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule({"text": {"type": "str"}})
    module.warn(module.params["text"])
    module.exit_json(changed=False, text=module.params["text"])


main()
