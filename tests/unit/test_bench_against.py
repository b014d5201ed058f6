"""Comparing the measurements of two checkouts."""

from bench.against import compare


def test_a_ratio_is_the_median_of_the_ratios_of_the_rounds() -> None:
    """The machine was slow in the second round, which says nothing about the code."""
    found = compare([1.0, 10.2, 1.1, 1.0, 1.2], [1.0, 10.0, 1.0, 1.0, 1.0])

    assert 1.02 == found["ratio"]
    assert [1.0, 1.1] == found["half"]
    assert [1.0, 1.2] == found["all"]
    assert 5 == found["rounds"]


def test_one_round_and_a_round_that_measured_nothing_are_compared() -> None:
    assert 2.0 == compare([2.0], [1.0])["ratio"]
    assert [2.0, 2.0] == compare([2.0], [1.0])["half"]
    assert compare([2.0], [0.0])["ratio"] is None
    assert 1.5 == compare([2.0, 1.5], [0.0, 1.0])["ratio"]
