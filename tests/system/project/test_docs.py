"""The documents say what is so: their programs are taken out of README.md and run, their links lead
somewhere."""
import json
import os
import re
import shutil
import socket
import subprocess

import pytest

from support.datagrams import needs_ipv6
from support.lab import BUILD, DEADLINE, ROOT, environment, run

DOCUMENTS = sorted(path.relative_to(ROOT).as_posix()
                   for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
README = (ROOT / "README.md").read_text()
LAB_PORTS = {5001: "udp-print", 5002: "echo", 5003: "pmu", 5004: "reset", 5005: "tv",
             5006: "pmu-ws", 5007: "pmu-tls", 5008: "pmu-wss"}
MESSAGES = [f"This is PMU data {i}" for i in range(1, 21)]


def blocks(kind):
    """The fenced blocks of README.md whose first line is "```kind"."""
    return re.findall(rf"^```{re.escape(kind)}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def need(tool):
    if not shutil.which(tool):
        assert os.environ.get("CI") != "true", f"{tool} is missing"
        pytest.skip(f"{tool} is missing")


def finish(command, folder, lab=None, **env):
    done = subprocess.run(command, cwd=folder, env=environment(lab, **env),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=2 * DEADLINE)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def to_lab(text, lab):
    """The lab's own ports become those of this lab."""
    return re.sub(r"\b50\d\d\b", lambda match: str(lab.port(LAB_PORTS[int(match[0])])), text)


def run_client(kind, file, command, lab, folder, **env):
    (text,) = blocks(f"{kind} client")
    (folder / file).write_text(to_lab(text, lab))
    return finish(command, folder, lab, **env)


def run_compiled(text, folder, lab):
    (folder / "pdc.c").write_text(to_lab(text, lab))
    finish(["cc", "-Wall", "-Wextra", "-Werror", "-o", "pdc", "pdc.c"], folder)
    return finish(["./pdc"], folder)


def test_first_block_is_the_two_commands():
    assert re.search(r"^```.*?^```$", README, re.MULTILINE | re.DOTALL)[0] == \
        "```\nscripts/lab\nscripts/test\n```"


def test_python_client(lab, tmp_path):
    assert run_client("python", "pdc.py", ["python3", "pdc.py"], lab, tmp_path).splitlines() == \
        MESSAGES


def test_c_client(lab, tmp_path):
    need("cc")
    (text,) = blocks("c client")
    assert run_compiled(text, tmp_path, lab) == "".join(MESSAGES)


def test_javascript_client(lab, tmp_path):
    need("node")
    said = run_client("js", "pdc.js", ["node", "pdc.js"], lab, tmp_path,
                      NODE_PATH="/usr/share/nodejs")
    assert said.splitlines() == [*MESSAGES, "closed with 1000"]


def test_java_client(lab, tmp_path):
    need("java")
    assert run_client("java", "Pdc.java", ["java", "Pdc.java"], lab, tmp_path).splitlines() == \
        MESSAGES


def test_shell_clients(lab, state_directory, tmp_path):
    clients = blocks("bash client")
    assert len(clients) == 2
    for text in clients:
        said = finish(["bash", "-ec", to_lab(text, lab)], tmp_path,
                      XDG_STATE_HOME=str(state_directory))
        assert said.splitlines() == MESSAGES
    assert lab.wait(event="close", endpoint="pmu-tls")["why"] == "done"


def test_five_clients_in_five_lines():
    for kind in ("python", "js", "java", "bash"):
        for text in blocks(f"{kind} client"):
            assert text.count("\n") <= 5, text


@pytest.mark.parametrize("family, name", [
    (4, "AF_INET"),
    pytest.param(6, "AF_INET6", marks=needs_ipv6),
])
def test_python_reset(start_lab, tmp_path, family, name):
    """It finds the family, and asks again when its first request is lost."""
    lab = start_lab("--set", f"reset.family={family}", "--set", "reset.loss=first:1")
    (text,) = blocks("python reset")
    said = finish(["python3", "-c", to_lab(text, lab)], tmp_path)
    offset = lab.wait(event="reset", n=2, family=family)["offset"]
    assert said == f"OFFSET={offset} over {name}\n"


def test_multicast_advice(start_lab):
    """A receiver that joins, and a sender that sends, as the table of troubles says."""
    lab = start_lab("--set", "tv.interval=10ms")
    membership, interface = re.search(r'`(inet_aton\("224.1.1.1"\) \+ \S+)`.*?`(inet_aton\(\S+\))`',
                                      README, re.DOTALL).groups()
    with (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
          socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender):
        receiver.settimeout(DEADLINE)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        receiver.bind(("", lab.port("tv")))
        receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                            eval(membership, vars(socket)))
        assert receiver.recv(2000).startswith(b"swcmTV")
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, eval(interface, vars(socket)))
        sender.sendto(b"123456Words", ("224.1.1.1", lab.port("tv")))
        assert lab.wait(event="participant", id="123456")["text"] == "Words"


@pytest.fixture
def checkout(tmp_path):
    """A folder with build/, as the examples see it."""
    (tmp_path / "build").symlink_to(BUILD)
    return tmp_path


def test_shell_example(checkout, state_directory):
    (text,) = blocks("sh test")
    said = finish(["sh", "-ec", text], checkout, XDG_STATE_HOME=str(state_directory))
    assert '"event":"close"' in said


def test_python_example(checkout, state_directory):
    (text,) = blocks("python test")
    finish(["python3", "-c", text], checkout, XDG_STATE_HOME=str(state_directory))


def test_picture_of_pdc(lab):
    """What README.md shows of pdc is what pdc shows, but for the number of recv() calls."""
    picture = re.search(r"^\$ build/clients/pdc CMD_short:0\n(.*?)^```$", README,
                        re.MULTILINE | re.DOTALL)[1]
    result = run("pdc", "CMD_short:0", lab=lab)

    def lines(text):
        return [re.sub(r"\d+ recv", "N recv", line) for line in text.splitlines() if line != "..."]

    assert set(lines(picture)) <= set(lines(result.stdout + result.stderr))


def test_picture_of_loss(tmp_path):
    """The preview is what it shows; the other two commands of the picture are those that there
    are."""
    picture = re.search(r"^\$ build/servers/pmulab loss preview (.*?)\n(.*?)^\$ scripts/lab (.*?)\n"
                        r"\$ build/servers/pmulab loss stats lab.ndjson\n", README,
                        re.MULTILINE | re.DOTALL)
    options, shown, serve = picture.groups()
    preview = run("pmulab", "loss", "preview", *options.split())
    assert preview.stdout + preview.stderr == shown
    assert run("pmulab", "serve", *serve.split(), "--print-config").status == 0
    assert "--seed 7" in options and "--seed 7" in serve


def test_losses_that_are_named_exist():
    section = README.split("## Loss that repeats")[1].split("##")[0]
    losses = re.findall(r"`((?:\d|burst|list|first|pattern)[^`]*)`", section)
    keys = re.findall(r"`((?:delay|jitter|duplicate|reorder|corrupt)=[^`]*)`", section)
    assert len(losses) >= 6 and len(keys) == 5
    for loss in losses:
        assert run("pmulab", "loss", "preview", "--loss", loss, "--seed", 1).status == 0, loss
        assert run("pmulab", "loss", "preview", "--loss", f"{loss},max-run=3",
                   "--seed", 1).status == 0, loss
    sets = [word for key in keys for word in ("--set", f"reset.{key}")]
    assert run("pmulab", "serve", *sets, "--set", "reset.direction=reply",
               "--print-config").status == 0


def test_clients_are_all_there():
    """Each program of clients/ stands in the table of parts, and the other way round."""
    table = README.split("| part of the lab |")[1].split("\n\n")[0]
    named = {name for row in table.splitlines()[2:]
             for name in re.findall(r"`([a-z-]+)[ `]", row.split("|")[2])}
    built = {path.name for path in (BUILD / "clients").iterdir()
             if path.is_file() and os.access(path, os.X_OK)}
    assert named == built


def test_ports_file_has_the_names(lab):
    for name in set(re.findall(r"`(PMULAB_[A-Z_]+)`", README)):
        assert name in lab.env, name


def test_endpoints_are_all_there(lab):
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", README, re.MULTILINE))
    assert {int(port): name for name, port in rows.items()} == LAB_PORTS
    assert run("pdc", "CMD_short:0", lab=lab).status == 0
    config = lab.wait(event="start")["config"]
    assert {key.removesuffix(".port") for key in config if key.endswith(".port")} == \
        set(LAB_PORTS.values())
    for port, name in LAB_PORTS.items():
        assert lab.wait(event="listen", endpoint=name)
        assert config[f"{name}.port"] == str(port)


def test_examples_of_events():
    """Each example of docs/events.md is an event of its section, with fields of its table only."""
    common = {"t", "seq", "event", "endpoint", "conn", "peer"}
    sections = re.split(r"^## ", (ROOT / "docs/events.md").read_text(), flags=re.MULTILINE)[1:]
    for section in sections:
        name, text = section.split("\n", 1)
        (example,) = re.findall(r"^```json\n(.*?)\n```$", text, re.MULTILINE)
        event = json.loads(example)
        assert event["event"] == name
        fields = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
        assert {"t", "seq"} <= set(event) and set(event) - common <= fields, name
    assert len(sections) > 5


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    folder = (ROOT / document).parent
    text = re.sub(r"^```.*?^```$", "", (ROOT / document).read_text(),
                  flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            assert not path or (folder / path).exists(), f"{document}: {target}"
            assert not anchor or re.search(rf"^#+ {anchor.replace('-', '[ -]')}$",
                                           (folder / (path or document)).read_text(),
                                           re.MULTILINE | re.IGNORECASE), f"{document}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_named_are_there(document):
    """`common/net.c`, `servers/stream/`: a path in backticks that begins with one of our folders
    exists."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / document).read_text(),
                  flags=re.MULTILINE | re.DOTALL)
    folders = "|".join(path.name for path in ROOT.iterdir()
                       if path.is_dir() and not path.name.startswith((".", "build")))
    missing = [name for name in re.findall(rf"`((?:{folders})/[\w./-]*)`", text)
               if not (ROOT / name).exists()]
    assert missing == []


def test_picture_of_the_page_is_small():
    assert (ROOT / "docs/page.png").stat().st_size < 200_000 \
        and "docs/page.png" in (ROOT / "README.md").read_text()
