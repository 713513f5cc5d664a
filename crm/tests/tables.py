"""Bytes read as tables."""

import io

from crm.services.files.rows import Row
from crm.services.files.tables import open_table

HEADER = b"name,phone,email\n"
ADA = b"Ada Example,+1 512 555 0134,ada@example.com\n"
ADA_CELLS = ["Ada Example", "+1 512 555 0134", "ada@example.com"]


def read(data, *, name="people.csv", start=0):
    with open_table(io.BytesIO(data), name=name) as table:
        return table, list(table.rows(start))


def cells_of(rows):
    return [row.cells for row in rows if isinstance(row, Row)]
