"""The rows of the overview, as they are rendered."""

from app.domain.dashboard import Condition, Line, Place
from app.domain.deployment import Status
from app.store.glances import Glance
from app.store.outcomes import Outcome
from app.web.service_rows import ServiceRow
from testing.factories import NOW


def test_the_last_outcomes_are_a_sentence_for_screen_readers() -> None:
    place = Place(1, "site", "", "", "", Condition.SUCCESSFUL, 4)
    ended = (
        Outcome(1, Status.SUCCESSFUL, NOW, warned=False),
        Outcome(2, Status.SUCCESSFUL, NOW, warned=False),
        Outcome(3, Status.FAILED, NOW, warned=False),
        Outcome(4, Status.SUCCESSFUL, NOW, warned=True),
    )
    line = Line("site", "", "", (), favourite=False, lead=place)
    item = Glance(line, (), None, ended)

    row = ServiceRow(item, None, favours=False, launchable=(), since="", now=None)

    said = "2 successful, 1 failed, 1 successful with warnings"
    assert said == row.outcomes_in_words
