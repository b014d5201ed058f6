"""Record a journal as a worker does.

`python -m bench.recorded_journal URL JOURNAL ID SECRETS` records it in a separate
process, so that its peak memory is that of the recording.
"""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from app import bootstrap
from app.domain.deployment import Outcome
from app.runner.masking import Masker
from app.settings import read_settings
from app.store.store import Store
from app.usecases import deploy, file_versions
from app.usecases import record as recording
from app.worker.journal_follower import Follower
from app.worker.run import Run
from app.worker.run_processes import RunProcesses
from app.worker.termination import Termination
from bench import cpu_time
from testing.supervised import SupervisedInstallation


def record(
    here: SupervisedInstallation,
    journal: Path,
    secrets: int = 0,
    service: str = "journal",
) -> Any:
    """Record a journal as that of a new deployment of a service, with secrets masked.

    Return the seconds, the processor seconds of its process and of its connection, the
    same for the versions of files (`versions`), and the peak memory of its process.
    """
    number = here.launch(service)
    url = here.settings.database
    done = subprocess.run(
        [sys.executable, "-m", "bench.recorded_journal", url, str(journal), str(number),
         str(secrets)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def write_journal(
    here: SupervisedInstallation, name: str, line: Any, lines: int
) -> Path:
    """Write a journal of a run that ended well; `line` returns each by its number."""
    folder = here.settings.var / "journals" / name
    folder.mkdir(parents=True)
    with (folder / "journal").open("w") as file:
        file.writelines(f"{json.dumps(line(number))}\n" for number in range(lines))
    (folder / "rc").write_text("0")
    return folder / "journal"


def _never(outcome: Outcome) -> Termination:
    raise AssertionError(outcome)


def _main(url: str, journal: str, number: str, secrets: str) -> None:
    os.environ["FASTDEPLOY_DATABASE_URL"] = url
    settings = read_settings()
    store = bootstrap.make_store(settings)
    begun_ = recording.mark_starting(store, int(number), "bench").deployment
    recording.mark_running(store, begun_)
    deployment = deploy.find(store, int(number))
    run = Run(Path(journal).parent)
    # As long as passwords, tokens and keys are.
    masker = Masker(token_urlsafe(12 + each % 25) for each in range(int(secrets)))
    follower = Follower(
        store, run, deployment, masker, threading.Event(), end=_never,
        processes=RunProcesses(settings, run),
    )  # fmt: skip
    recorded = _measured(store, follower.follow)
    # As at the end of a run, which is followed by a worker all the time.
    versions = _measured(store, lambda: file_versions.record(store, deployment))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({**recorded, "versions": versions, "peak_kib": peak}))


def _measured(store: Store, do: Callable[[], object]) -> dict[str, float]:
    begun = time.monotonic(), cpu_time.of_process(), cpu_time.of_connection(store)
    do()
    return {
        "seconds": time.monotonic() - begun[0],
        "processor_seconds": cpu_time.of_process() - begun[1],
        "postgresql_seconds": cpu_time.of_connection(store) - begun[2],
    }


if __name__ == "__main__":
    _main(*sys.argv[1:])
