#!/usr/bin/env python3
"""`python commands.py syncservices`: the same as `fastdeploy syncservices`."""

from app.cli import main

if __name__ == "__main__":
    main()
