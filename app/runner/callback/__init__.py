"""Parts of the callback plugin.

Ansible loads every file in its folder of plugins as a plugin, so these are outside. The
plugin loads them by their path: the process of ansible-playbook can't import `app`.
"""
