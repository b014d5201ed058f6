"""The run: what a playbook service's deploy.py calls, as the user who deploys.

It stands alone: it imports nothing else of FastDeploy, only ansible-runner and the
standard library, so this folder can be installed root-owned for another user.
"""
