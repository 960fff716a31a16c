"""Who may include whom, and who may call whom: ARCHITECTURE.md draws these arrows, here they are
checked."""
import functools
import posixpath
import re
import subprocess

import pytest

from support.lab import BUILD, ROOT

FOLDERS = ("common", "servers", "clients", "tests")
SOURCES = sorted(path.relative_to(ROOT).as_posix() for folder in FOLDERS
                 for path in (ROOT / folder).rglob("*.[ch]") if "node_modules" not in path.parts)
GENERATED = {"flood_text.h", "page_files.h",
             *(f"profile_{path.stem.replace('-', '_')}.h"
               for path in (ROOT / "profiles").glob("*.ini"))}
PAGE = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "servers").rglob("*.js"))

# The rooms, from the ground up. A room may include itself and the rooms in the lines above its own,
# except those of the other house (clients, servers). Rooms in one line do not know each other.
ROOMS = [line.split() for line in """
common/
common/cli/ common/carrier/
clients/client
clients/
servers/http/ servers/network/ servers/texts/ servers/identity/ servers/impair/ \
servers/port_holder servers/endpoint_table.h
servers/config/ servers/events/
servers/endpoint.
servers/stream/ servers/datagram/
servers/station/
servers/endpoint_table.c
servers/emulator
servers/control/
servers/commands/
servers/main.c
tests/
""".strip().splitlines()]
LEVELS = {room: level for level, line in enumerate(ROOMS) for room in line}

# The files that include ev.h or call libev. Beside them only tests may.
KNOW_LIBEV = {f"servers/{name}" for name in """
commands/beside.c commands/beside.h commands/run.c
control/api_events.c control/scenario.c
datagram/delays.c datagram/endpoint.c datagram/endpoint_private.h datagram/families.c
datagram/side.c
emulator.c emulator_private.h
http/conn.c http/http.c http/http.h http/watch.c
station/endpoint.c station/endpoint_private.h station/speak.c
stream/conn.c stream/conn.h stream/listen.c stream/listen.h
""".split()}
# What decides is pure: no loop, no socket, no clock, and nothing of what drives it. A name stands
# for fold.h, fold.c and fold_more.c, or for all files in its folder.
PURE = """
common/carrier/ws_frames common/carrier/ws_upgrade common/json common/near common/quantity
common/utf8 common/wire
servers/datagram/fold servers/datagram/habits servers/datagram/peer_key servers/datagram/responder
servers/datagram/shares
servers/http/target
servers/impair
servers/station/audience servers/station/riddles servers/station/station
servers/stream/session
""".split()
NOT_IN_PURE = {"ev.h", "poll.h", "sys/poll.h", "sys/epoll.h", "sys/select.h", "sys/socket.h",
               "netinet/in.h", "netinet/tcp.h", "time.h", "sys/time.h", "unistd.h",
               "common/clock.h", "common/net.h", "common/carrier/transport.h",
               "servers/endpoint.h", "servers/events/journal.h", "servers/stream/conn.h",
               "servers/datagram/endpoint_private.h", "servers/station/endpoint_private.h"}
# Files that need a type of these headers, and no more: test_what_decides_calls_what_is_pure.
FOR_A_TYPE = {"servers/datagram/peer_key.h": {"common/net.h"},
              "servers/datagram/peer_key.c": {"netinet/in.h"}}
# Our functions and tables that pure files may use beside those of pure files.
PURE_MAY_USE = re.compile(
    "(err|share|stats)_.*|config_(integer|factor)|endpoint_table|address_port")
# Functions of libraries that pure files must not call. glibc has more names for some of them, such
# as open64 and __read_chk.
IMPURE = re.compile("_*({})(64)?(_chk)?".format("|".join(r"""
ev_.* pthread_.* epoll_.* timerfd_.* eventfd.* signalfd
open openat fopen fdopen close fclose read pread readv recv recvfrom recvm?msg fread fgets getc
write pwrite writev send sendto sendm?msg fwrite fflush fputs fputc putc puts putchar v?f?printf
socket socketpair bind connect listen accept4? shutdown [gs]etsockopt getaddrinfo ioctl fcntl
p?poll p?select time clock clock_.* gettimeofday localtime.* sleep usleep nanosleep
s?rand s?random getrandom getenv
""".split())))
ALLOCATE = {"malloc", "calloc", "realloc", "reallocarray", "strdup", "strndup", "asprintf",
            "vasprintf", "free"}


def includes(source, pattern):
    return re.findall(rf"^\s*#\s*include\s+{pattern}", (ROOT / source).read_text(), re.MULTILINE)


def ours(source):
    return [name for name in includes(source, r'"([^"]+)"') if name not in GENERATED]


def foreign(source):
    return includes(source, r"<([^>]+)>")


def room_of(source):
    return max((room for room in LEVELS if source.startswith(room)), key=len)


def house_of(source):
    return source.split("/")[0]


def may_include(source, name):
    here, there = room_of(source), room_of(name)
    known = {"common", house_of(source)} if here != "tests/" else FOLDERS
    return here == there or (LEVELS[there] < LEVELS[here] and house_of(name) in known)


def is_pure(source):
    return source.startswith(tuple(name + end for name in PURE for end in "._/"))


def first_comment(source):
    return re.match(r"(/\*.*?\*/)?", (ROOT / source).read_text(), re.DOTALL)[0]


def object_of(source):
    """The name that meson gives a source's object file."""
    return source.split("/", 1)[1].replace("/", "_") + ".o"


@functools.cache
def symbols():
    """What the linker sees: the source that has each symbol, and the symbols that each source
    takes from elsewhere."""
    objects = [path for pattern in ("common/*.a.p/*.o", "servers/*.p/*.o", "clients/*.a.p/*.o")
               for path in sorted(BUILD.glob(pattern))]
    source_of = {(house_of(source), object_of(source)): source for source in SOURCES
                 if source.endswith(".c")}
    owner, used = {}, {}
    for line in subprocess.run(["nm", "-A", *objects], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        path, rest = line.split(":", 1)
        kind, symbol = rest.split()[-2:]
        parts = path.removeprefix(f"{BUILD}/").split("/")
        source = source_of.get((parts[0], parts[-1]))
        if source and kind in "TDBR":
            owner[symbol] = source
        elif source and kind == "U":
            used.setdefault(source, set()).add(symbol)
    return owner, used


def modules(script):
    """The modules that a script of the page imports."""
    names = re.findall(r"""\b(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""",
                       (ROOT / script).read_text())
    return [posixpath.normpath(posixpath.join(posixpath.dirname(script), name)) for name in names]


def own_headers(source):
    stem = source.removesuffix(".c")
    return [header for header in (f"{stem}.h", f"{stem}_private.h") if header in SOURCES]


def test_there_is_something_to_check():
    assert {"common/net.c", "servers/stream/conn.c", "servers/stream/session_pmu.c",
            "clients/pdc.c"} <= set(SOURCES)
    assert "ev.h" in foreign("servers/stream/conn.h")
    assert "common/wire.h" in ours("servers/stream/session_pmu.c")
    owner, used = symbols()
    assert owner["wire_parse_command"] == "common/wire.c"
    assert "wire_parse_command" in used["servers/stream/session_pmu.c"]
    assert "ev_io_start" in used["servers/stream/conn.c"]
    assert [name for name in PURE if not any(source.startswith(name) for source in SOURCES)] == []
    assert KNOW_LIBEV <= set(SOURCES)


@pytest.mark.parametrize("source", SOURCES)
def test_arrows_point_one_way(source):
    for name in ours(source):
        assert (ROOT / name).exists(), f'"{name}" is not a path from the root of the repository'
        assert may_include(source, name), \
            f"{source} must not include {name}: {room_of(name)} is no room below its own"


@pytest.mark.parametrize("source", [source for source in SOURCES if house_of(source) != "tests"])
def test_private_headers_stay_in_their_room(source):
    place = room_of(source), posixpath.dirname(source)
    assert [name for name in ours(source) if name.endswith("_private.h")
            and (room_of(name), posixpath.dirname(name)) != place] == []


def test_only_drivers_know_libev():
    _, used = symbols()
    knowing = {source for source in SOURCES if house_of(source) != "tests"
               and ("ev.h" in foreign(source)
                    or any(symbol.startswith("ev_") for symbol in used.get(source, ())))}
    assert knowing - KNOW_LIBEV == set()


@pytest.mark.parametrize("source", filter(is_pure, SOURCES))
def test_what_decides_is_pure(source):
    names = set(foreign(source) + ours(source)) - FOR_A_TYPE.get(source, set())
    assert names & NOT_IN_PURE == set()


@pytest.mark.parametrize("source", [source for source in SOURCES
                                    if source.endswith(".c") and is_pure(source)])
def test_what_decides_calls_what_is_pure(source):
    owner, used = symbols()
    calls = used.get(source, set())
    assert [symbol for symbol in calls & owner.keys()
            if not is_pure(owner[symbol]) and not PURE_MAY_USE.fullmatch(symbol)] == []
    assert [symbol for symbol in calls - owner.keys() if IMPURE.fullmatch(symbol)] == []


def test_what_says_that_it_is_pure_is_checked():
    assert [source for source in SOURCES if source.endswith(".h") and not is_pure(source)
            and re.search(r"\bpure\b", first_comment(source), re.IGNORECASE)] == []


def test_sessions_do_not_allocate():
    _, used = symbols()
    sessions = [source for source in used if source.startswith("servers/stream/session_")]
    assert sessions
    assert {source: found for source in sessions if (found := used[source] & ALLOCATE)} == {}


def walk(graph, name, path, done):
    """Fails where a way through the graph comes back to where it was."""
    assert name not in path, " -> ".join([*path[path.index(name):], name])
    if name not in done:
        for other in sorted(graph.get(name, ())):
            walk(graph, other, [*path, name], done)
        done.add(name)


def test_headers_are_no_circle():
    """Include guards hide a circle until somebody includes its other end first."""
    graph = {source: ours(source) for source in SOURCES if source.endswith(".h")}
    done = set()
    for header in graph:
        walk(graph, header, [], done)


def test_files_are_no_circle():
    """Whose functions and tables a file uses, as the linker sees it. The table of endpoints is left
    out: its rows name the servers, which read their own row."""
    owner, used = symbols()
    graph = {source: {owner[symbol] for symbol in names & owner.keys()} - {source}
             for source, names in used.items()}
    assert "servers/stream/conn_phases.c" in graph["servers/stream/conn.c"]
    assert "clients/client.c" in graph["clients/client_pmu.c"]
    del graph["servers/endpoint_table.c"]
    done = set()
    for source in sorted(graph):
        walk(graph, source, [], done)


def test_modules_of_the_page_are_no_circle():
    graph = {script: modules(script) for script in PAGE}
    assert "servers/control/page/keep.js" in graph["servers/control/page/model.js"]
    done = set()
    for script in PAGE:
        walk(graph, script, [], done)


@pytest.mark.parametrize("source", [source for source in SOURCES
                                    if source.endswith(".c") and own_headers(source)])
def test_own_header_comes_first(source):
    """So each header is compiled once with nothing before it."""
    assert includes(source, r'[<"]([^>"]+)')[0] in own_headers(source)
