"""Texts read as files are, by the map that fits them."""

import csv
import io

from crm.services.feeds.choosing import choose_feed
from crm.services.feeds.reading import read_records
from crm.services.files.tables import open_table
from crm.tests.oracle import Oracle
from crm.tests.real_inputs import path_of

AUSTIN = (
    "permit_number,sub_type,work_type,permit_location,date_issued,work_description,status,folder_owner,"
    "folder_owner_addrhouse,folder_owner_addrstreet,folder_owner_addrcity,folder_owner_phone,property_owner,"
    "property_owner_phone,total_job_valuation"
)


def table_of(text, name="people.csv"):
    return open_table(io.BytesIO(text.encode() if isinstance(text, str) else text), name=name)


def records_of(text, name="people.csv"):
    with table_of(text, name) as table:
        feed = choose_feed(table)
        return feed, list(read_records(table, feed))


def the_record(text, name="people.csv"):
    _, [record] = records_of(text, name)
    return record


def the_party(text, name="people.csv"):
    [party] = the_record(text, name).parties
    return party


def file_of(name):
    """The map that fits a real file, and what it makes of its rows."""
    path = path_of(name)
    with open_table(path, name=path.name) as table:
        feed = choose_feed(table)
        return feed, list(read_records(table, feed))


def without_column(rows, left_out):
    """A table of these rows that never had the column."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [name for name in rows[0] if name != left_out], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def oracle_of(*names, oracle=None):
    """What the streaming oracle says after these files, or of them after what ``oracle`` has taken already."""
    oracle = oracle or Oracle()
    for name in names:
        with open_table(path_of(name), name=name) as table:
            for item in read_records(table, choose_feed(table)):
                oracle.take(item)
    return oracle
