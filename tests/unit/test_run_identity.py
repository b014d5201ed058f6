"""As whom, in which group, where and by which rule of sudo a service runs."""

from pathlib import Path

import pytest

from app.domain.run_identity import RunIdentity, RunSettings, identify
from testing.factories import make_service

OWN = RunSettings(
    run_as="",
    run_group="",
    runners=None,
    services=Path("/srv/services"),
    var=Path("/srv/var"),
    config_folder=Path("/var/tmp"),
)
DEPLOY = RunSettings(
    run_as="deploy",
    run_group="fastdeploy-run",
    runners=Path("/opt/runners"),
    services=Path("/srv/services"),
    var=Path("/srv/var"),
    config_folder=Path("/var/tmp/a.b"),
)


def home(user: str) -> Path:
    return Path("/home", user)


def of(settings: RunSettings, **registration: str) -> RunIdentity:
    config = {"registration": registration} if registration else {}
    return identify("hello", make_service(**config), settings, home)


def test_without_a_user_it_runs_in_the_services_folder_without_sudo() -> None:
    folder = Path("/srv/services/hello")

    assert RunIdentity("", "", folder / "deploy.py", folder, "") == of(OWN)


def test_a_user_of_its_own_gets_the_registered_program_by_one_rule() -> None:
    folder = Path("/opt/runners/hello")
    rule = (
        "(deploy) CWD=/opt/runners/hello NOPASSWD: /opt/runners/hello/deploy.py "
        r"^--config /var/tmp/a\.b/fastdeploy-[0-9]+\.json$"
    )

    expected = RunIdentity(
        "deploy", "fastdeploy-run", folder / "deploy.py", folder, rule
    )
    assert expected == of(DEPLOY)


@pytest.mark.parametrize("settings", [OWN, DEPLOY], ids=["own", "deploy"])
def test_a_registration_names_the_user_and_the_group(settings: RunSettings) -> None:
    found = of(settings, run_as="shop", run_group="shop-run")

    assert ("shop", "shop-run") == (found.user, found.group)
    assert Path("/home/shop/runners/hello/deploy.py") == found.program


def test_a_registration_for_the_usual_user_may_name_another_group() -> None:
    """The doctor once vouched for the usual group, which such runs don't use."""
    found = of(DEPLOY, run_as="deploy", run_group="shop-run")

    assert "shop-run" == found.group
    assert of(DEPLOY).program == found.program


def test_a_registration_without_a_group_leaves_the_usual_one() -> None:
    assert "fastdeploy-run" == of(DEPLOY, run_as="shop").group


def test_a_service_that_cannot_be_read_has_the_usual_program() -> None:
    found = identify("broken", None, DEPLOY, home)

    assert Path("/opt/runners/broken/deploy.py") == found.program


def test_all_services_of_a_registered_project_share_one_program_and_rule() -> None:
    """Otherwise, the name of the service would be an argument of the sudo rule."""
    registered = {"run_as": "shop", "run_group": "shop-run"}
    of_project = make_service(
        name="infra/site@staging",
        deploy_script="x.sh",
        registration=registered,
        project={"git": "/srv/infra", "commit": "0" * 40},
    )
    alone = make_service(name="infra", registration=registered)

    found = identify(of_project.name, of_project, DEPLOY, home)

    assert Path("/home/shop/runners/infra/deploy.py") == found.program
    assert found == identify(alone.name, alone, DEPLOY, home)
