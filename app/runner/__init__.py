"""The runner: the program that runs the playbook of a service as the deploy user.

It is self-contained: it imports nothing else of FastDeploy, only PyYAML and the
standard library, so this folder can be installed root-owned for another user. With
`FASTDEPLOY_EVENTS=runner`, it imports ansible-runner too.
"""
