"""FastDeploy: an Ansible-native control plane for deployments."""

__version__ = "0.1.0"
