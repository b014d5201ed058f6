"""`python -m app`: the same as the `fastdeploy` command."""

from app.cli import main

main()
