"""Run the `fastdeploy` command with `python -m app`."""

from app.cli import main

main()
