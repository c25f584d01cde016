"""Brings the translations up to date with the code, or with `--check` says only what is stale or missing.

    python scripts/translations.py                    extract, update every language, compile
    python scripts/translations.py --missing zh_CN    print what is not translated yet, as a .po file to fill in
    python scripts/translations.py --merge FILE       take the translations of a filled-in .po file
    python scripts/translations.py --check            change nothing; exit 1 when something is stale or wrong

Nothing that differs between two machines or days goes into the files: no dates, names, paths or line numbers.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from graphlab.session.samples import samples

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "graphlab"
LOCALE = PACKAGE / "locale"
TEMPLATE = LOCALE / "graphlab.pot"
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
LANGUAGES = ("zh_CN",)
PLACEHOLDER = re.compile(r"\{\w*(?:\.\w+)*(?:![rsa])?(?::[^{}]*)?\}|\{\{|\}\}|%(?:\(\w+\))?[srd]\b")
WIDTH = 0  # lines are not broken: how they are differs between versions of Babel


class Texts(Catalog):
    """A catalogue whose header says only what its readers need."""

    def __init__(self, locale: str | None = None) -> None:
        super().__init__(locale=locale, domain="graphlab", fuzzy=False)

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """Language, plural rule and encoding."""
        headers = [
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]
        if self.locale is not None:
            headers = [("Language", self.locale_identifier), ("Plural-Forms", self.plural_forms), *headers]
        return headers

    @property
    def header_comment(self) -> str:
        """Where the file comes from."""
        return "# Made by scripts/translations.py; docs/TRANSLATING.md says how to change it."


def po_file(language: str) -> Path:
    """Where the translations into a language are written."""
    return LOCALE / language / "LC_MESSAGES" / "graphlab.po"


def extract() -> Texts:
    """Every text of the program that is marked for translation, by file, and what the samples say of themselves."""
    template = Texts()
    found: dict[str | tuple[str, ...], set[str]] = {}
    for name, _line, text, _comments, _context in extract_from_dir(
        PACKAGE, method_map=[("**.py", "python")], keywords=KEYWORDS, comment_tags=(), strip_comment_tags=False
    ):
        if text:
            found.setdefault(text, set()).add(f"graphlab/{Path(name).as_posix()}")
    for sample in samples():
        for text in (sample.title, sample.summary):
            found.setdefault(text, set()).add(f"samples/{sample.path.name}")
    for text, places in sorted(
        found.items(), key=lambda item: (min(item[1]), item[0] if isinstance(item[0], str) else item[0][0])
    ):
        template.add(text, locations=[(place, None) for place in sorted(places)])
    return template


def translated(language: str, template: Texts, *more: Catalog) -> Texts:
    """The template in a language: what is known of it, with `more` on top. Nothing is guessed."""
    known: dict[str, str | tuple[str, ...]] = {}
    for catalogue in (read(po_file(language)), *more):
        known.update({_key(message): message.string for message in _entries(catalogue) if _is_whole(message)})
    texts = Texts(language)
    for message in _entries(template):
        string = known.get(_key(message), ("",) if message.pluralizable else "")
        texts.add(message.id, string, locations=message.locations)
    return texts


def read(path: Path) -> Catalog:
    """A .po file; an empty catalogue where there is none."""
    if not path.exists():
        return Catalog()
    with path.open("rb") as file:
        return read_po(file)


def _entries(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _is_whole(message: Message) -> bool:
    strings = [message.string] if isinstance(message.string, str) else list(message.string)
    return bool(strings) and all(strings) and not message.fuzzy


def as_po(catalogue: Catalog) -> bytes:
    """A catalogue as the text of a .po or .pot file."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=WIDTH, include_lineno=False, ignore_obsolete=True)
    return buffer.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    """A catalogue as the bytes that gettext reads."""
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def missing(language: str, texts: Catalog) -> Texts:
    """The entries that have no translation."""
    rest = Texts(language)
    for message in _entries(texts):
        if not _is_whole(message):
            rest.add(message.id, message.string, locations=message.locations)
    return rest


def faults(catalogue: Catalog) -> list[str]:
    """What is wrong with translations: left out, placeholders changed, full stops that do not match."""
    found = []
    for message in _entries(catalogue):
        sources = [message.id] if isinstance(message.id, str) else list(message.id)
        strings = [message.string] if isinstance(message.string, str) else list(message.string)
        if not _is_whole(message):
            found.append(f"not translated: {sources[0]!r}")
            continue
        found.extend(
            f"{reason}: {sources[-1]!r} → {string!r}" for string in strings for reason in _wrong(sources, string)
        )
    return found


def _wrong(sources: list[str], string: str) -> Iterator[str]:
    source = sources[-1]
    if placeholders(source) != placeholders(string):
        yield "placeholders differ"
    if _ends_sentence(source) != _ends_sentence(string):
        yield "full stop differs"
    if source.count("`") != string.count("`"):
        yield "code marks differ"
    if source[:1].isspace() != string[:1].isspace() and string[:1] not in "（，":
        yield "space before differs"
    if source[-1:].isspace() != string[-1:].isspace() and string[-1:] not in "：，、":
        yield "space after differs"
    if source.count("\n") != string.count("\n"):
        yield "lines differ"
    if re.search(r"[\u4e00-\u9fff][,;:?!]", string):
        yield "half-width punctuation after Chinese"
    if re.search(r"[\u4e00-\u9fff][A-Za-z0-9`]|[A-Za-z0-9`][\u4e00-\u9fff]", string):
        yield "no space between Chinese and Latin"


def placeholders(text: str) -> set[str]:
    """The names in braces, with their formats."""
    return set(PLACEHOLDER.findall(text))


def _ends_sentence(text: str) -> str:
    """How a text ends: the mark that both languages must agree on, "" for none."""
    end = text.rstrip().rstrip(")）")[-1:]
    return {"。": ".", "？": "?", "！": "!", "：": ":"}.get(end, end if end in ".?!:…" else "")


def files(template: Texts, languages: Iterable[str], *more: Catalog) -> dict[Path, bytes]:
    """All files as they should be now."""
    made = {TEMPLATE: as_po(template)}
    for language in languages:
        texts = translated(language, template, *more)
        made[po_file(language)] = as_po(texts)
        made[po_file(language).with_suffix(".mo")] = as_mo(texts)
    return made


def check() -> list[str]:
    """What is stale or wrong; empty when all is well."""
    wrong = [
        f"stale: {path.relative_to(ROOT)}; run `make translations`"
        for path, content in files(extract(), LANGUAGES).items()
        if not path.exists() or path.read_bytes() != content
    ]
    for language in LANGUAGES:
        wrong.extend(f"{language}: {fault}" for fault in faults(translated(language, extract())))
    return wrong


def main() -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--missing", metavar="LANGUAGE", choices=LANGUAGES)
    parser.add_argument("--merge", metavar="FILE", type=Path, action="append", default=[])
    options = parser.parse_args()
    if options.check:
        wrong = check()
        print("\n".join(wrong) or "The translations are complete.")
        return 1 if wrong else 0
    template = extract()
    if options.missing:
        sys.stdout.buffer.write(as_po(missing(options.missing, translated(options.missing, template))))
        return 0
    for path, content in files(template, LANGUAGES, *(read(path) for path in options.merge)).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    for language in LANGUAGES:
        wrong = faults(translated(language, template))
        print(f"{language}: {len(list(_entries(template)))} texts, {len(wrong)} faults")
        print("\n".join(wrong[:20]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
