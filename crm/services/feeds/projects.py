"""The project that a row is about."""

from collections.abc import Sequence

from crm.services.feeds.cells import Columns, first_of
from crm.services.feeds.fields import LONGEST
from crm.services.feeds.maps import FeedMap
from crm.services.feeds.records import ProjectIn
from crm.services.feeds.troubles import Trouble, UnusableCell
from crm.services.feeds.values import Fields

LONGEST_HERE = {**LONGEST, "name": 300}


class ProjectReader:
    """Reads the project out of the rows of one file; ``rest`` are the columns that nobody else has a use for."""

    def __init__(self, feed: FeedMap, columns: Columns, rest: Sequence[int]) -> None:
        places = dict(feed.project or {})
        self._id = columns.bind(places.pop("project_id", ()))
        self._read_id = first_of(self._id)
        self._fields = Fields(places, columns, longest=LONGEST_HERE)
        self._rest = [(columns.names[at], at) for at in rest]
        self.id_column = self._id[0].column if self._id else ""

    def read(self, cells: Sequence[str], troubles: list[Trouble]) -> ProjectIn | None:
        """The project, or None where the row has no project id; what could not be read is added to ``troubles``."""
        project_id = self._read_id(cells) if self._id else ""
        if not project_id:
            return None
        if len(project_id) > LONGEST["project_id"]:
            troubles.append(Trouble.about(self.id_column, UnusableCell("too_long_id", project_id)))
            return None
        attributes = {name: text for name, at in self._rest if (text := cells[at].strip())}
        fields = self._fields.read(cells, troubles, attributes)
        return ProjectIn(project_id, **fields, attributes=attributes)
