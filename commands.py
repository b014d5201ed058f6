#!/usr/bin/env python3
"""`python commands.py syncservices`: the same as `fastdeploy service sync`.

This name is part of the contract with playbooks that register a service.
"""

import sys

from app.cli import main

if __name__ == "__main__":
    if sys.argv[1:2] == ["syncservices"]:
        sys.argv[1:2] = ["service", "sync"]
    main()
