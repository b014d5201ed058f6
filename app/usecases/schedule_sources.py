"""What schedules name outside of the database: refs of repositories, and calendars."""

from dataclasses import dataclass

from app.calendar_files import CalendarFiles
from app.domain.revision import Revision
from app.domain.schedule import Schedule
from app.project_folder import Reach
from app.settings import Settings
from app.usecases import revisions


@dataclass(frozen=True, slots=True)
class ScheduleSources:
    """The settings, and with what the repositories of projects are fetched."""

    settings: Settings
    reach: Reach

    @property
    def files(self) -> CalendarFiles:
        """Reads the calendars that are files."""
        return CalendarFiles(self.settings.services, self.settings.data)

    def revision(self, service: str, schedule: Schedule) -> Revision | None:
        """Fetch the repository, and resolve the ref of a schedule; None without one.

        Raises what `revisions.choose` does: Invalid, and Conflict.
        """
        if not schedule.ref:
            return None
        return revisions.choose(self.settings, self.reach, service, schedule.ref)
