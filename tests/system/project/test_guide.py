"""docs/lab-guide.md is done as it stands there: its files are saved, its commands typed, and it
shows what they show.

How the guide is written, for people and for this test:

    `part2.py`:             above a block of Python or INI: a file of that name
    ```console              the first terminal; ```console 2: the second one
    $ command               typed there, `lab$ command` in the shell that `pmulab shell` opens
    what it shows           in full, but for `...`: any text in a line; alone in a line: any lines.
                            Nothing: anything
    ^C                      Ctrl-C, as soon as what stands before it is shown

A command that ends a block goes on where the terminal's next block begins with what it shows. The
first section is done before each other one. A command ends with 0, unless `echo $?` follows. One
that only looks (netstat, cat, ...) is tried again until it shows what stands there: people look
again as well.
"""
import collections
import re
import shutil
import time

import pytest

from support.lab import ROOT
from support.terminal import PATIENCE, Terminal

README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs/lab-guide.md").read_text()
BLOCK = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([\w.-]+)`:\n\n```(?:python|ini)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LOOKS = ("netstat ", "ss ", "cat ", "tail ", "grep ")
# What tshark says to root alone; blanks at the ends of lines, which editors take away.
NOT_COMPARED = re.compile(r'^Running as user "root".*\n|[ \t]+$', re.MULTILINE)

Step = collections.namedtuple("Step", "terminal command shown interrupt ends")  # shown: lines


def sections():
    """(title, text) of each `##`."""
    return [part.split("\n", 1) for part in re.split(r"^## ", GUIDE, flags=re.MULTILINE)[1:]]


def steps(text):
    """The commands of a section, in order. `command` is None for one that goes on; `ends`: the last
    of its block."""
    for info, body in BLOCK.findall(NOT_COMPARED.sub("", text)):
        if info not in ("console", "console 2"):
            continue
        found = []
        for line in body.splitlines():
            typed = re.match(r"(?:lab)?\$ (.*)", line)
            if typed or not found:
                found.append(Step(info, typed[1] if typed else None, [], False, False))
            if line == "^C":
                found[-1] = found[-1]._replace(interrupt=True)
            elif not typed:
                found[-1].shown.append(line)
        yield from found[:-1]
        yield found[-1]._replace(ends=True)


def goes_on(step, later):
    following = next((other for other in later if other.terminal == step.terminal), None)
    return step.ends and following is not None and following.command is None


def pattern(lines):
    """What shows these lines."""
    return re.compile("".join(r"(?:.*\n)*?" if line == "..." else
                              r".*?".join(re.escape(part) for part in line.split("...")) + r"\n"
                              for line in lines))


def is_shown(step, shown):
    return not step.shown or bool(pattern(step.shown).fullmatch(NOT_COMPARED.sub("", shown)))


def perform(terminal, step, runs_on, next_command):
    if runs_on:
        terminal.start(step.command)
        return
    if step.interrupt:
        if step.command is not None:
            terminal.start(step.command)
        terminal.wait_for(lambda shown: pattern(step.shown).match(NOT_COMPARED.sub("", shown)))
        terminal.interrupt()
        return
    assert step.command is not None, f"what goes on must end with ^C: {step.shown}"
    end = time.monotonic() + PATIENCE
    while True:
        shown, status = terminal.type(step.command)
        good = is_shown(step, shown) and (status == 0 or next_command == "echo $?")
        if good or not step.command.startswith(LOOKS) or time.monotonic() > end:
            break
    wanted = "\n".join(step.shown) or "anything, and status 0"
    assert good, f"$ {step.command}\n{shown}\nended with {status}; the guide shows\n{wanted}"


def do(text, terminal_of):
    """All steps of a text; terminal_of("console 2") is the second terminal."""
    todo = list(steps(text))
    for number, step in enumerate(todo):
        later = todo[number + 1:]
        perform(terminal_of(step.terminal), step, goes_on(step, later),
                later[0].command if later else None)


def open_terminal(user, folder):
    return Terminal(user, folder, env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                                       "TMPDIR": str(folder)})


@pytest.fixture
def checkout(user):
    """A folder of the user's with what the guide takes from the repository."""
    folder = user.folder()
    for name in ("servers", "clients"):
        (folder / "build").mkdir(exist_ok=True)
        (folder / "build" / name).symlink_to(user.programs)
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/ca", folder / "scripts")
    shutil.copytree(ROOT / "certs", folder / "certs",
                    ignore=shutil.ignore_patterns("*.pem", "*.csr"))
    return folder


@pytest.mark.parametrize("title", [title for title, _ in sections()])
def test_section(user, checkout, title):
    texts = dict(sections())
    first = sections()[0][1]
    text = texts[title]
    terminals = {}

    def terminal(name):
        if name not in terminals:
            terminals[name] = open_terminal(user, checkout)
            if text is not first:
                do(first, lambda _: terminals[name])
        return terminals[name]

    (checkout / "lab3").mkdir()
    user.own(checkout / "lab3")
    for name, body in FILE.findall(GUIDE):
        (checkout / "lab3" / name).write_text(body)
    try:
        do(text, terminal)
    finally:
        for opened in terminals.values():
            opened.end()


def test_readme(user, checkout):
    """Its lines for a program of one's own."""
    text = README.split("## Your own program, unchanged")[1].split("\n## ")[0]
    (checkout / "Part2_123456_234567.py").write_text(dict(FILE.findall(GUIDE))["part2.py"])
    assert [step.command.split()[1] for step in steps(text) if "pmulab" in step.command] == \
        ["run", "run", "answers", "report", "shell", "doctor"]
    terminal = open_terminal(user, checkout)
    try:
        do(text, lambda _: terminal)
    finally:
        terminal.end()


def test_blocks_are_of_a_known_kind():
    commands = [info for info, _ in BLOCK.findall(GUIDE) if info in ("console", "console 2")]
    assert len(commands) + len(FILE.findall(GUIDE)) == len(BLOCK.findall(GUIDE))


def test_files_are_given_once():
    names = [name for name, _ in FILE.findall(GUIDE)]
    assert names and len(names) == len(set(names))


def test_every_question_is_there():
    """In bold, once, with what to run or to look at."""
    named = [int(number) for number in re.findall(r"\*\*Q(\d+)", GUIDE)]
    assert sorted(named) == sorted(set(named)) == list(range(1, 26))
