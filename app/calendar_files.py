"""Read the calendars of freezes that are files in the folders of services."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app import project_folder
from app.calendar_process import read_calendar
from app.config_files import printable, read_file
from app.domain.freezes import ReadCalendar, is_url
from app.domain.service import Service
from app.domain.service_name import split
from app.errors import Invalid
from app.runner import project_source
from app.runner.errors import RunnerError
from app.services_folder import root_of

#: The name of a folder in the services folder, and a file in its content.
File = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CalendarFiles:
    """The services folder, and the folder with the mirrors of repositories."""

    services: Path
    data: Path

    def has(self, folder: str) -> bool:
        """Return whether the services folder of this host has a folder."""
        return (self.services / folder).is_dir()

    def read(self, file: File) -> ReadCalendar:
        """Return the freezes of a file. Raises Invalid."""
        folder, name = file
        try:
            root = root_of(self.services / folder, self.data).resolve()
        except RunnerError as error:
            raise Invalid(str(error).removesuffix(".")) from None
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise Invalid(f"{name} lies outside {folder}: move it into it")
        if not path.is_file():
            raise Invalid(f"{name} is missing in {folder}: add it")
        return read_calendar(read_file(path), name, datetime.now(UTC))

    def read_all(
        self, found: Mapping[str, Service | str]
    ) -> tuple[dict[str, Service | str], dict[File, ReadCalendar]]:
        """Read the files that the schedules of services name.

        Return the services, of which one with an invalid file is the error in it, and
        the calendars.
        """
        calendars: dict[File, ReadCalendar] = {}
        problems: dict[File, str] = {}
        checked = dict(found)
        for name, service in found.items():
            for number, file in _files(service):
                if file not in calendars and file not in problems:
                    try:
                        calendars[file] = self.read(file)
                    except Invalid as error:
                        problems[file] = str(error)
                if file in problems:
                    where = self._where(name)
                    key = f"schedules.{number}.not_during"
                    checked[name] = f"{where}{key}: {problems[file]}"
        return checked, calendars

    def _where(self, name: str) -> str:
        """Return the place of the schedules of a service, as a sentence begins."""
        parts = split(name)
        assert parts is not None, "valid services have valid names"
        folder = self.services / parts.folder
        if not project_source.is_project(folder):
            return ""
        return f"{project_folder.define(folder, self.data).where(name, 'schedules')}: "


def _files(service: Service | str) -> Iterator[tuple[int, File]]:
    """Yield the files that the schedules of a service name, with the schedule."""
    if isinstance(service, str) or not service.schedules:
        return
    parts = split(service.name)
    folder = printable(parts.folder) if parts else service.name
    for number, schedule in enumerate(service.schedules):
        for source in schedule.not_during:
            if not is_url(source):
                yield number, (folder, source)
