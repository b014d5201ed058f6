"""Deploy scripts that several tests run."""

import sys

HELLO = "#!/bin/sh\necho hello\n"
#: Completes a step, starts another one, and sleeps in it.
SLEEPS = """#!/bin/sh
echo '{"name": "prepare", "state": "success"}'
echo '{"name": "work", "state": "running"}'
exec sleep 600
"""
#: Ignores signals, and runs until there is a file `go` in its folder.
DEAF = """#!/bin/sh
trap 'echo told' INT TERM
echo begun
until [ -e "${0%/*}/go" ]; do sleep 0.05; done
"""
#: Fails if another run of its service is active; runs until there is a file `go`.
ALONE = """#!/bin/sh
cd "${0%/*}" && mkdir running || exit 9
echo begun
until [ -e go ]; do sleep 0.05; done
rmdir running
"""
#: Prints numbered lines until there is a file `go`, then the number of lines.
NUMBERED = f"""#!{sys.executable}
import pathlib, sys, time
go = pathlib.Path(sys.argv[0]).with_name("go")
n = 0
while not go.exists():
    n += 1
    print("line", n, flush=True)
    time.sleep(0.002)
print("lines:", n)
"""
