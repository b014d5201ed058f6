# `pipelining.py` inserts this file into the modules that ssh sends to hosts by
# pipelining, where nothing else would end them: ssh has no terminal there, and the
# server doesn't signal anything when a connection is closed. The names begin with
# `_fastdeploy`, and the syntax is that of all Pythons of hosts.
import os as _fastdeploy_os
import select as _fastdeploy_select
import signal as _fastdeploy_signal
import time as _fastdeploy_time


def _fastdeploy_below(pids):
    """Return the children of processes, their children, and so on."""
    children = {}
    for name in _fastdeploy_os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except (IOError, OSError):
                continue
            children.setdefault(parent, []).append(int(name))
    found = list(pids)
    for pid in found:  # the list grows during the loop
        found.extend(children.get(pid, ()))
    return set(found)


def _fastdeploy_send(number, pids):
    """Send a signal; return the processes that it reached."""
    reached = set()
    for pid in pids:
        try:
            _fastdeploy_os.kill(pid, number)
        except OSError:
            continue
        reached.add(pid)
    return reached


def _fastdeploy_end():
    """End this module and what it has started: SIGTERM, after a second SIGKILL."""
    os, signal, time = _fastdeploy_os, _fastdeploy_signal, _fastdeploy_time
    module = os.getpid()
    try:
        started = _fastdeploy_below([module]) - {module}
    except OSError:
        # There is no /proc. The group is that of the command of ssh.
        os.killpg(os.getpgrp(), signal.SIGTERM)
        started = set()
    if os.fork():
        # Otherwise, it could end on its own now, or start something else.
        os.kill(module, signal.SIGKILL)
    left = _fastdeploy_send(signal.SIGTERM, started)
    deadline = time.time() + 1
    while left and time.time() < deadline:
        time.sleep(0.05)
        left = _fastdeploy_send(0, _fastdeploy_below(left))
    _fastdeploy_send(signal.SIGKILL, left)
    os._exit(0)


def _fastdeploy_watch():
    """Wait until nobody can read the output, then end the module."""
    select = _fastdeploy_select
    poll = select.poll()
    poll.register(1, 0)
    if poll.poll()[0][1] & (select.POLLERR | select.POLLHUP):
        _fastdeploy_end()


if hasattr(_fastdeploy_select, "poll"):
    # The interpreter doesn't wait for such a thread. It has no copy in a fork.
    import _thread as _fastdeploy_thread

    _fastdeploy_thread.start_new_thread(_fastdeploy_watch, ())
