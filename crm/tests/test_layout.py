"""Rules of the house that no import contract can express: who may write what."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {".py", ".js", ".css"}
APPS = ("crm", "calls", "campaigns", "integrations", "config")

# The one writer of each copy. New contacts may be born with true copies, by the bulk writer of an intake.
WRITERS = {
    "primary_phone": {"crm/services/primaries.py", "crm/services/bulk"},
    "primary_email": {"crm/services/primaries.py", "crm/services/bulk"},
    "suppressed_at": {"crm/services/suppressing.py"},
    "data_quality": {"crm/services/quality.py", "crm/services/bulk"},
}


def sources():
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "/migrations/" not in name and "/tests/" not in name and "/models/" not in name:
                yield name, path.read_text(encoding="utf-8")


def writes(source, column):
    """Lines that assign ``column``: an attribute, a keyword of update() or create(), or SQL."""
    ways = [
        rf"\.{column}\s*=(?!=)",
        rf"\b(?:update|create|bulk_create|filter\([^)]*\)\.update)\([^)]*\b{column}\s*=(?!=)",
    ]
    ways += [rf"(?i:\bSET\b)(?:(?!WHERE|FROM).)*\b{column}\s*=(?!=)", rf"setattr\([^,]+,\s*[\"']{column}[\"']"]
    return [match[0] for way in ways for match in re.finditer(way, source, re.DOTALL)]


@pytest.mark.parametrize("column", WRITERS)
def test_every_copy_has_one_writer(column):
    found = {name for name, source in sources() if writes(source, column)}

    strays = {name for name in found if not any(name.startswith(home) for home in WRITERS[column])}
    assert strays == set()
    assert any(name in WRITERS[column] for name in found), "the pattern finds not even the writer itself"


@pytest.mark.parametrize(
    "line",
    [
        'contact.primary_phone = "+15125550134"',
        'Contact.objects.filter(pk=pk).update(title="x", primary_phone="")',
        "UPDATE crm_contact SET title = 'x', primary_phone = '' WHERE id = 1",
        'setattr(contact, "primary_phone", "")',
    ],
)
def test_the_pattern_knows_a_write_when_it_sees_one(line):
    assert writes(line, "primary_phone")


@pytest.mark.parametrize(
    "line",
    [
        'if contact.primary_phone == "x":',
        'Contact.objects.filter(primary_phone="x")',
        "SELECT 1 FROM crm_contact WHERE primary_phone = 'x'",
        "UPDATE crm_contact SET title = 'x' WHERE primary_phone = 'x'",
    ],
)
def test_and_a_question_when_it_is_only_asked(line):
    assert not writes(line, "primary_phone")


def test_modules_are_small():
    paths = [
        path for kind in ("*.py", "*.js", "*.css") for top in (*APPS, "static") for path in (ROOT / top).rglob(kind)
    ]
    shown = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in paths}
    own = {name: lines for name, lines in shown.items() if "/migrations/" not in name and "/tests/" not in name}

    assert {name: lines for name, lines in own.items() if lines > 300} == {}
