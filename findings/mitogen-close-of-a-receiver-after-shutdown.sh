#!/usr/bin/env bash
# mitogen: a receiver can't be closed once its router has shut down.
#
# Version: mitogen 0.3.54, Python 3.11.
# Input: a router with a receiver; the broker is shut down, then the receiver is closed.
# Seen: a router that shuts down sends a dead message to each handler and removes it.
#   Receiver.close() removes the handle once more, and raises KeyError. In a run of
#   ansible-playbook with the strategy mitogen_linear, the thread that forwards files to
#   children may close a receiver at that moment. That was seen once, on a busy machine:
#   the output had an error with a traceback after the recap, "While calling no-reply
#   method mitogen.service.PushFileService.store_and_forward", which ended with
#   "KeyError: 1001". This script shows the same without the race.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mitogen==0.3.54

cat >close.py <<'EOP'
import mitogen.core, mitogen.master

router = mitogen.master.Router()
open_receiver, receiver = (mitogen.core.Receiver(router) for _ in range(2))
open_receiver.close()
print("close() while the router runs returns")
router.broker.shutdown()
router.broker.join()
try:
    receiver.close()
    print("close() after the shutdown returns")
except KeyError as error:
    print("close() after the shutdown raises", type(error).__name__)
EOP
venv/bin/python close.py | tee seen
grep -qx "close() while the router runs returns" seen
grep -qx "close() after the shutdown raises KeyError" seen ||
    { echo "changed: expected a KeyError"; exit 1; }
