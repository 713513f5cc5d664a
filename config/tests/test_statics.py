"""Our scripts, as production serves them and as people read them."""

import re
from pathlib import Path

from config.embedded import places
from config.statics import HashedFiles

SCRIPTS = places.CHECKOUT / "static" / "clearline"
IMPORT = re.compile(r'(?:import|from)\s*"(\./[^"]+)"')


def test_modules_name_each_other_by_the_hash_of_what_they_hold(tmp_path):
    storage = HashedFiles(location=str(tmp_path), base_url="/static/")
    found = {f"clearline/{path.relative_to(SCRIPTS)}": path for path in SCRIPTS.rglob("*.js")}
    for name, path in found.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(path.read_bytes())

    processed = list(storage.post_process({name: (storage, name) for name in found}))

    assert not [outcome for _, _, outcome in processed if isinstance(outcome, Exception)]
    entry = storage.stored_name("clearline/desk.js")
    named = follow(tmp_path / entry)
    assert len(named) == 1 + len(list((SCRIPTS / "desk").glob("*.js")))
    assert all(re.search(r"\.[0-9a-f]{12}\.js$", path.name) for path in named)


def follow(script: Path) -> set[Path]:
    """``script`` and all that it imports."""
    met, open_ones = set(), [script]
    while open_ones:
        one = open_ones.pop().resolve()
        if one not in met:
            met.add(one)
            open_ones += [one.parent / name for name in IMPORT.findall(one.read_text(encoding="utf-8"))]
    return met
