"""Parts of the callback plugin.

Ansible loads every file in a plugin folder as a plugin, so these modules are outside
of it. The plugin loads them by path: ansible-playbook's process can't import `app`.
"""
