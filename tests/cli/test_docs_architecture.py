"""docs/ARCHITECTURE.md names what there is: packages, modules, public names, kinds of errors."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
SOURCE = {path: path.read_text(encoding="utf-8") for path in (ROOT / "graphlab").rglob("*.py")}


def test_every_package_has_its_line() -> None:
    packages = {path.parent.name for path in (ROOT / "graphlab").glob("*/__init__.py")}
    assert packages - set(re.findall(r"^\| `(\w+)/` \|", PAGE, re.M)) == set()


def test_modules_exist() -> None:
    files = {path.name for path in SOURCE}
    assert set(re.findall(r"`(?:\w+/)*(\w+\.py)`", PAGE)) - files == set()


def test_functions_and_classes_exist() -> None:
    text = "\n".join(SOURCE.values())
    called = set(re.findall(r"`(?:\w+\.)*(\w+)\(", PAGE)) | set(re.findall(r"`([A-Z]\w*[a-z]\w*)`", PAGE))
    called -= {"facts"}  # a field of `Op`
    assert called
    assert {name for name in called if not re.search(rf"\b(?:def|class) {name}\b|^{name}\b", text, re.M)} == set()


def test_kinds_of_errors_are_those_that_are_raised() -> None:
    table = PAGE.partition("## Kinds of errors")[2].partition("Further ones")[0]
    kinds = {kind for row in re.findall(r"^\| (`.+?) \|", table, re.M) for kind in re.findall(r"`(\w+)`", row)}
    engine = "\n".join(text for path, text in SOURCE.items() if "engine" in path.parts)
    assert len(kinds) > 30
    assert {kind for kind in kinds if f'"{kind}"' not in engine} == set()
