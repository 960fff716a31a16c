"""How the sources look, as far as a test can say: HACKING.md, Style."""
import pytest

from support.lab import ROOT

COLUMNS = 100
FOLDERS = ("common", "servers", "clients", "tests", "scripts", "certs", "profiles", "findings",
           "man", "completions", ".ci")
SUFFIXES = {".c", ".h", ".js", ".mjs", ".css", ".py", ".sh", ".build", ".java", ".go",
            ".cnf", ".ini", ".html", ""}
# Students' programs, what npm writes, and what is made while the tests run.
NOT_OURS = ("node_modules", "programs", "__pycache__")
SOURCES = sorted(path.relative_to(ROOT).as_posix()
                 for folder in FOLDERS for path in (ROOT / folder).rglob("*")
                 if path.is_file() and not path.is_symlink() and path.suffix in SUFFIXES
                 and not set(path.relative_to(ROOT).parts) & set(NOT_OURS))


def test_there_is_something_to_check():
    assert {"common/net.c", "servers/control/page/app.js", "scripts/lab"} <= set(SOURCES)


@pytest.mark.parametrize("source", SOURCES)
def test_lines_fit(source):
    """A tab is eight columns."""
    lines = (ROOT / source).read_text().expandtabs(8).splitlines()
    long = [number for number, line in enumerate(lines, 1) if len(line) > COLUMNS]
    assert long == [], f"lines {long} of {source} have more than {COLUMNS} columns"
