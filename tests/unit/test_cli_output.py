"""The command line prints values as they are; none of them looks like another field."""

import pytest

from app.cli.output import console, print_fields, print_table


def test_a_value_is_printed_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    value = "door:dog:[red]x[/]"

    print_fields([("name", value)])
    print_table(["name"], [[value]])
    console.print(value, markup=False)

    assert 3 == capsys.readouterr().out.count(value)


def test_the_lines_of_a_value_begin_no_field(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_fields([("reason", "it failed\nstatus:      successful")])

    assert capsys.readouterr().out == (
        "reason:      it failed\n             status:      successful\n"
    )
