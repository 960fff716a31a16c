"""The manual and the completion: made from the tables of --help, and tried in the programs that
read them."""
import errno
import os
import pty
import re
import select
import shlex
import signal
import subprocess

import pytest

from support.lab import BUILD, DEADLINE, ROOT, environment, program, run

CLIENTS = ["echo-client", "echo-server", "pdc", "pdc-reset", "pdc-tls", "pdc-ws", "pmu-tls",
           "tv-recv", "tv-send", "udp-recv", "udp-send"]
SHELLS = ["bash", "zsh", "fish"]


def options(text):
    """Every option that --help names: {"-p", "--port", ...}"""
    lines = re.findall(r"^ {2,6}(-.*?)(?:  |$)", text, re.MULTILINE)
    return {word for line in lines
            for word in re.findall(r"(?<![\w-])--?[a-z0-9][a-z0-9-]*", line, re.IGNORECASE)}


def commands(*path):
    """The commands below `path`, as its --help lists them."""
    text = run("pmulab", *path, "--help").stdout
    return re.findall(r"^  (\S+)", text.partition("\nCommands:\n")[2], re.MULTILINE)


def walk(*path):
    """Every command line that has a --help of its own."""
    yield path
    for name in commands(*path) if "Commands:" in run("pmulab", *path, "--help").stdout else []:
        yield from walk(*path, name)


COMMANDS = list(walk())
PAGES = CLIENTS + ["-".join(["pmulab", *path]) for path in COMMANDS if len(path) < 2]


def page_as_text(name):
    done = subprocess.run(["mandoc", "-Tascii", "-Owidth=200", str(BUILD / "man" / f"{name}.1")],
                          capture_output=True, text=True, check=True, timeout=DEADLINE)
    return re.sub(".\b", "", done.stdout)


# The manual


def test_every_program_has_a_page_and_no_page_is_left_over():
    assert {"serve", "loss"} <= set(commands())
    assert sorted(path.stem for path in (BUILD / "man").glob("*.1")) == sorted(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_mandoc_has_nothing_to_say(name):
    """In the pages' folder, where mandoc finds the pages that this one refers to."""
    done = subprocess.run(["mandoc", "-Tlint", "-Wall", f"{name}.1"], cwd=BUILD / "man",
                          capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", CLIENTS)
def test_a_page_says_what_help_says(name):
    said = run(name, "--help").stdout
    check_page(page_as_text(name), said)


@pytest.mark.parametrize("path", [path for path in COMMANDS if path], ids=" ".join)
def test_a_page_says_what_help_says_of_a_command(path):
    check_page(page_as_text(f"pmulab-{path[0]}"), run("pmulab", *path, "--help").stdout)


def words(text):
    """Without line breaks and quotes: those of the page are typographic ones."""
    return " ".join(re.sub("['`]", "", text).split())


def check_page(page, said):
    assert options(said) <= options(page) | {"-h"}
    assert "-h, --help[=FORM]" in page
    synopsis = words(page.partition("SYNOPSIS\n")[2].partition("\nDESCRIPTION\n")[0])
    for word in re.findall(r"[\w-]+", said.partition("\n")[0].removeprefix("Usage: ").replace(
            "[options]", "")):
        if word == "COMMAND" and "\nCommands:\n" in said:
            continue  # they are there, each with what it takes
        assert word in synopsis
    assert ".Sh" not in page and "\\" not in page.replace("\\x1b", "")
    for line in re.findall(r"^  (\S+ .*)", said.partition("\nEndpoints:\n")[2], re.MULTILINE):
        assert words(line) in words(page)
    for line in said.partition("Examples:\n")[2].partition("\n\n")[0].splitlines():
        assert words(line) in words(page)
    for status in re.findall(r"^Exit status: ((?:.+\n)+)", said, re.MULTILINE):
        assert words(status) in words(page)


def test_specials_of_roff_are_words():
    """Backslashes, quotes, hyphens and leading dots come out as they went in."""
    page = page_as_text("pmulab-loss")
    assert "x is lost, . is not." in re.sub(" +", " ", page)
    assert "list:1,2,5" in page and '"fitted" is the burst model' in re.sub(r"\s+", " ", page)
    assert "echo 'What a piece of work is a man' | tv-send --id 123456" in page_as_text("tv-send")


def test_the_date_is_the_versions():
    version = re.search(r"^released = '(\w+ \d+, \d+)'", (ROOT / "meson.build").read_text(),
                        re.MULTILINE)[1]
    assert f".Dd {version}\n" in run("pdc", "--help=mdoc").stdout


# --help=FORM


@pytest.mark.parametrize("words, error", [
    (["pdc", "--help=roff"],
     'pdc: --help: there is no form "roff"; there are mdoc, bash, zsh, fish\n'),
    (["pmulab", "--help=roff"],
     'pmulab: --help: there is no form "roff"; there are mdoc, bash, zsh, fish\n'),
    (["pmulab", "serve", "--help="],
     'pmulab serve: --help: there is no form ""; there are mdoc, bash, zsh, fish\n'),
    (["pmulab", "loss", "--help=zsh"],
     "pmulab loss: --help=zsh: the commands are completed with their program; "
     "see pmulab --help=zsh\n"),
])
def test_other_forms_are_refused(words, error):
    result = run(*words)
    assert (result.status, result.stdout, result.stderr) == (2, "", error)


def test_a_form_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        for form in ["mdoc", *SHELLS]:
            done = subprocess.run([program("pdc"), f"--help={form}"], stdout=full,
                                  stderr=subprocess.PIPE, timeout=DEADLINE)
            assert done.returncode == 1 and b"stdout" in done.stderr


# Completion: what each shell offers at the end of a line

LINES = [
    ("pdc --p", {"--port"}),
    ("pdc --j", {"--json"}),
    ("pdc -p ", set()),
    ("pdc-tls --ca da", {"data.pem"}),
    ("pmulab ser", {"serve"}),
    ("pmulab loss ", {"preview", "stats"}),
    ("pmulab loss pr", {"preview"}),
    ("pmulab loss preview --se", {"--seed"}),
    ("pmulab loss preview --family ", {"4", "6"}),
    ("pmulab loss stats da", {"data.pem"}),
    ("pmulab serve --eph", {"--ephemeral"}),
    ("pmulab serve --set pmu.me", {"pmu.messages="}),
    ("pmulab serve --set pmu-ws.po", {"pmu-ws.port="}),
    ("pmulab serve --bind ", {"localhost", "any"}),
    ("pmulab serve --config da", {"data.pem"}),
    ("pmulab serve -c da", {"data.pem"}),
    ("pmulab serve -q pmu-w", {"pmu-ws", "pmu-wss"}),
    ("pmulab serve ec", {"echo"}),
    ("pmulab run --local ud", {"udp-print"}),
    ("pmulab run --local pmu --local ud", {"udp-print"}),
    ("pmulab run --capt", {"--capture"}),
    ("pmulab run --capture da", {"data.pem"}),
    ("pmulab run -q mkfif", {"mkfifo"}),
    ("pmulab run --set pmu.rtt=0 cat da", {"data.pem"}),
    ("pmulab run -- mkfif", {"mkfifo"}),
    ("pmulab run --seed 1 cat --ephem", set()),
    ("pmulab nosuch ", set()),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data.pem").touch()
    return tmp_path


def script(name, shell):
    return run(name, f"--help={shell}").stdout


def split(line):
    """As readline splits it: the last word may be empty, "=" and ":" are words."""
    words = [part for word in shlex.split(line) for part in re.split("([=:])", word) if part]
    return words + ([""] if line.endswith((" ", "=")) else [])


def bash(name, line, cwd):
    words = split(line)
    code = "\n".join([script(name, "bash"), f"COMP_WORDS=({shlex.join(words)})",
                      f"COMP_CWORD={len(words) - 1}",
                      f"_{name.replace('-', '_')}", 'printf "%s\\n" "${COMPREPLY[@]}"'])
    done = subprocess.run(["bash", "--norc"], input=code, cwd=cwd, env=environment(),
                          capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, "")
    return {word for word in done.stdout.splitlines() if word}


def fish(name, line, cwd):
    code = f"{script(name, 'fish')}\ncomplete -C {shlex.quote(line)}\n"
    done = subprocess.run(["fish", "--no-config"], input=code, cwd=cwd,
                          env=environment(HOME=str(cwd)), capture_output=True, text=True,
                          timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, "")
    return {line.partition("\t")[0] for line in done.stdout.splitlines()}


ZSHRC = r"""
autoload -Uz compinit && compinit -u -D
PS1='ready> '
compadd() { # what is offered is written down; calls that only ask (-O, -A, -D) are passed on
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)* ]]; then builtin compadd "$@"; return; fi
    local -a offered
    builtin compadd -A offered "$@"
    print -rl -- $offered >>$ZDOTDIR/offered
    builtin compadd "$@"
}
"""


def zsh(name, line, cwd):
    """zsh completes in a terminal only: types the line and a tab, and leaves."""
    (cwd / f"_{name}").write_text(script(name, "zsh"))
    (cwd / ".zshrc").write_text(f"fpath+=({cwd})\n{ZSHRC}")
    (cwd / "offered").touch()
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(cwd)
        os.execvpe("zsh", ["zsh", "-d", "-i"], environment(ZDOTDIR=str(cwd), TERM="dumb"))
    try:
        seen = b""
        while b"ready> " not in seen:
            assert (said := read_terminal(terminal)), f"zsh has ended: {seen}"
            seen += said
        os.write(terminal, line.encode() + b"\t\x15exit\n")
        while read_terminal(terminal):
            pass
    finally:
        os.close(terminal)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    return set((cwd / "offered").read_text().split())


def read_terminal(terminal):
    """What has come; nothing once zsh has ended."""
    readable, _, _ = select.select([terminal], [], [], DEADLINE)
    assert readable, "zsh says nothing"
    try:
        return os.read(terminal, 4096)
    except OSError as error:
        assert error.errno == errno.EIO
        return b""


@pytest.mark.parametrize("complete", [bash, zsh, fish])
@pytest.mark.parametrize("line, offered", LINES, ids=[line for line, _ in LINES])
def test_completion(complete, line, offered, folder):
    found = complete(line.split()[0], line, folder)
    assert found == offered


@pytest.mark.parametrize("line, offered", [
    ("pmulab serve --set=pmu.me", {"pmu.messages="}),
    ("pmulab serve --set=", None),
    ("pmulab serve --set pmu.messages=", set()),
    ("pmulab serve --set pmu.messages=1", set()),
    ("pmulab serve --config=da", {"data.pem"}),
    ("pmulab serve -- --", set()),
])
def test_words_that_bash_splits(line, offered, folder):
    found = bash("pmulab", line, folder)
    assert found == offered if offered is not None else "pmu.messages=" in found


@pytest.mark.parametrize("name", ["pmulab", *CLIENTS])
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_it(shell, name):
    text = script(name, shell)
    done = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True,
                          timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", CLIENTS)
def test_every_option_is_completed(name, folder):
    wanted = options(run(name, "--help").stdout)
    assert bash(name, f"{name} -", folder) == wanted
    assert {word for word in fish(name, f"{name} --", folder)} == {
        word for word in wanted if word.startswith("--")}


def test_every_option_of_every_command_is_completed(folder):
    for path in COMMANDS:
        wanted = options(run("pmulab", *path, "--help").stdout) or {"-h", "--help", "--version"}
        assert bash("pmulab", " ".join(["pmulab", *path, "-"]), folder) == wanted
