# This file is appended to ansible_mitogen/target.py, which mitogen sends to each host:
# its names are those of that module, and its syntax is that of all Pythons of hosts.
# On the control node, nothing imports it.
#
# Without it, three things differ from Ansible's own ssh connection. A command that is
# running when the connection is closed would run on. A command would start in
# mitogen's temporary folder, not in the home of the user who logged in. And a run might
# print a traceback of mitogen at its end.

import json
import os
import signal
import time

import ansible_mitogen.runner
import mitogen.core

_BOOT_CLOCK = 7  # CLOCK_BOOTTIME, which Python names since 3.7
_PATIENCE = 1.0
_TICK = 0.02


class _Calls(object):
    """The calls of modules and commands, which run one at a time."""

    def __init__(self):
        self.broker = None
        # Moment at which the running call began, in clock ticks since boot.
        self.began = None
        try:
            self.folder = os.getcwd()
        except OSError:
            self.folder = None

    def watch(self, broker):
        """End what a call has started when mitogen stops in the middle of it."""
        if broker is not self.broker:
            self.broker = broker
            mitogen.core.listen(broker, "shutdown", self.end)

    def run(self, function, *args, **kwargs):
        if self.began is not None:
            return function(*args, **kwargs)
        self.began = _ticks()
        try:
            return function(*args, **kwargs)
        finally:
            self.began = None

    def end(self):
        began = self.began
        if began is None:
            return
        deadline = time.time() + _PATIENCE
        left = _send(signal.SIGTERM, _started_since(began))
        while left and time.time() < deadline:
            time.sleep(_TICK)
            left = _send(0, left)
        _send(signal.SIGKILL, set(left) | set(_started_since(began)))

    def enter(self):
        """Change to the folder in which the connection began."""
        if self.folder is not None:
            try:
                os.chdir(self.folder)
            except OSError:
                pass


def _ticks():
    try:
        seconds = time.clock_gettime(_BOOT_CLOCK)
    except (AttributeError, OSError):
        try:
            with open("/proc/uptime") as file:
                seconds = float(file.read().split()[0])
        except (IOError, OSError):
            return 0
    # A process that starts at once may have the same tick.
    return int(seconds * os.sysconf("SC_CLK_TCK")) - 1


def _started_since(moment):
    """Return the descendants of this process that were started since a moment.

    So a background process that an earlier task left here isn't among them.
    """
    parents = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    for name in names:
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except (IOError, OSError):
                continue
            parents.setdefault(int(fields[1]), []).append((int(name), int(fields[19])))
    found = []
    waiting = [os.getpid()]
    while waiting:
        for pid, started in parents.get(waiting.pop(), ()):
            waiting.append(pid)
            if started >= moment:
                found.append(pid)
    return found


def _send(number, pids):
    """Send a signal; return the processes that it reached."""
    reached = []
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            continue
        reached.append(pid)
    return reached


_calls = _Calls()
_plain_init_child = init_child
_plain_run_module = run_module
_plain_run_module_async = run_module_async
_plain_exec_args = exec_args
_plain_setup_cwd = ansible_mitogen.runner.Runner._setup_cwd
_plain_del_handler = mitogen.core.Router.del_handler


@mitogen.core.takes_econtext
def init_child(econtext, log_level, candidate_temp_dirs):
    _calls.watch(econtext.broker)
    return _plain_init_child(
        econtext=econtext,
        log_level=log_level,
        candidate_temp_dirs=candidate_temp_dirs,
    )


@mitogen.core.takes_econtext
def run_module(kwargs, econtext):
    _calls.watch(econtext.broker)
    return _calls.run(_plain_run_module, kwargs, econtext=econtext)


def exec_args(args, in_data="", chdir=None, shell=None, emulate_tty=False):
    if chdir is None:
        _calls.enter()
    return _calls.run(
        _plain_exec_args,
        args,
        in_data=in_data,
        chdir=chdir,
        shell=shell,
        emulate_tty=emulate_tty,
    )


@mitogen.core.takes_econtext
def run_module_async(kwargs, job_id, timeout_secs, started_sender, econtext):
    # This process is for this job alone.
    folder = (kwargs.get("env") or {}).get("ANSIBLE_ASYNC_DIR")
    if folder:
        os.environ["ANSIBLE_ASYNC_DIR"] = folder
    return _plain_run_module_async(
        kwargs, job_id, timeout_secs, started_sender, econtext=econtext
    )


def _update(self, dct):
    """Write the state of an async job, with the fields and types of Ansible."""
    dct.setdefault("ansible_job_id", self.job_id)
    for name in ("started", "finished"):
        if name in dct:
            dct[name] = bool(dct[name])
    with open(self.path + ".tmp", "w") as file:
        file.write(json.dumps(dct))
    os.rename(self.path + ".tmp", self.path)


def _setup_cwd(self):
    _calls.enter()
    _plain_setup_cwd(self)


def _revert_cwd(_):
    _calls.enter()


def _del_handler(self, handle):
    """Remove a handle; a router that ends may already have removed it."""
    try:
        _plain_del_handler(self, handle)
    except KeyError:
        pass


AsyncRunner._update = _update
mitogen.core.Router.del_handler = _del_handler
ansible_mitogen.runner.Runner._setup_cwd = _setup_cwd
ansible_mitogen.runner.Runner._revert_cwd = _revert_cwd
