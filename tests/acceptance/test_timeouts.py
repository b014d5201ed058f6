"""A run that exceeds its timeout is ended, with all that it has started."""

from app.domain.deployment import Status
from testing.installation import Installation
from testing.runs import (
    left,
    start_script,
)
from testing.scripts import SLEEPS
from testing.sleeping import PAUSES, STEPS, sleepers, write_sleeping_playbook
from testing.waiting import eventually


def test_a_script_that_exceeds_its_timeout_is_ended(fastdeploy: Installation) -> None:
    fastdeploy.write_service("slow", SLEEPS, steps=STEPS, timeout=5)

    ended = fastdeploy.run("slow")

    assert [] == left(fastdeploy, ended.id)
    assert (Status.TIMEOUT, 130) == (ended.status, ended.exit_code)
    assert "it took longer than 5 s" == ended.reason
    assert {"prepare": "success", "work": "failure", "never": "skipped"} == (
        fastdeploy.states(ended.id)
    )
    assert "it took longer than 5 s" == fastdeploy.view(ended.id).steps[1].message


def test_a_playbook_that_exceeds_its_timeout_is_ended(fastdeploy: Installation) -> None:
    # Ansible takes seconds to start on a busy machine.
    write_sleeping_playbook(fastdeploy, "slow-playbook", timeout=15)

    ended = fastdeploy.run("slow-playbook")

    assert [] == left(fastdeploy, ended.id)
    assert Status.TIMEOUT is ended.status
    # The worker is the first to see it, or the runner if the worker is late.
    assert ended.reason in ("it took longer than 15 s", "it exceeded its timeout")
    # On a busy machine, ansible-playbook may not have reached the first task.
    assert "skipped" == fastdeploy.states(ended.id)["never"]


def test_a_task_that_waits_and_a_job_of_async_have_the_time_of_their_run(
    installation: Installation,
) -> None:
    installation.worker()
    installation.write_files(
        "waits", {"deploy.yml": PAUSES}, playbook="deploy.yml", timeout=30
    )
    number = installation.launch("waits")
    eventually(lambda: sleepers(installation, number))

    ended = installation.ended(number)

    assert Status.TIMEOUT is ended.status
    assert [] == left(installation, number)


def test_a_run_has_as_long_as_its_service_says_across_workers(
    installation: Installation,
) -> None:
    worker = installation.worker()
    number = start_script(installation, "slow", SLEEPS, timeout=1)
    worker.kill()

    installation.worker()

    assert Status.TIMEOUT is installation.ended(number).status
    assert [] == left(installation, number)
