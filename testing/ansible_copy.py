"""A copy of Ansible, and programs that send its modules."""

import shutil
from pathlib import Path

import ansible

#: The beginning of a program: it can load a file of the runner, and find modules.
BEGINNING = """\
import base64, hashlib, importlib.util, io, json, os, sys, zipfile

def load(path):
    spec = importlib.util.spec_from_file_location(path, path)
    sys.modules[path] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

from ansible.executor import module_common
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar

init_plugin_loader()
variables = {"ansible_python_interpreter": "/usr/bin/python3"}
"""


def copy_ansible(folder: Path) -> None:
    """Copy the package `ansible` into a folder, without anything that is stored."""
    shutil.copytree(
        Path(ansible.__file__).parent, folder / "ansible",
        ignore=shutil.ignore_patterns("*.built", "*.parsed", "galaxy"),
    )  # fmt: skip
