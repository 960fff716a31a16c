"""Who may include whom, and who may call whom: ARCHITECTURE.md draws these arrows, here they are
checked."""
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

KNOW_LIBEV = ("servers/commands/run.c", "servers/commands/beside", "servers/emulator",
              "servers/stream/conn", "servers/stream/endpoint", "servers/datagram/delays",
              "servers/datagram/endpoint", "servers/station/endpoint", "servers/http/",
              "servers/control/", "tests/")
# What decides is pure: no loop, no socket, no clock, and nothing of what drives it.
PURE = ("servers/stream/session", "servers/datagram/responder", "servers/datagram/fold",
        "servers/datagram/habits", "servers/impair/", "servers/station/audience",
        "servers/station/riddles", "servers/station/station", "common/wire", "common/utf8",
        "common/json", "common/quantity", "common/carrier/ws_frames", "common/carrier/ws_upgrade")
NOT_IN_PURE = ("ev.h", "sys/socket.h", "netinet/in.h", "netinet/tcp.h", "time.h", "sys/time.h",
               "unistd.h", "common/clock.h", "common/net.h", "common/carrier/transport.h",
               "servers/endpoint.h", "servers/stream/conn.h",
               "servers/datagram/endpoint_private.h", "servers/station/endpoint_private.h")


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


def own_headers(source):
    stem = source.removesuffix(".c")
    return [header for header in (f"{stem}.h", f"{stem}_private.h") if header in SOURCES]


def test_there_is_something_to_check():
    assert {"common/net.c", "servers/stream/conn.c", "servers/stream/session_pmu.c",
            "clients/pdc.c"} <= set(SOURCES)
    assert "ev.h" in foreign("servers/stream/conn.h")
    assert "common/wire.h" in ours("servers/stream/session_pmu.c")


@pytest.mark.parametrize("source", SOURCES)
def test_arrows_point_one_way(source):
    for name in ours(source):
        assert (ROOT / name).exists(), f'"{name}" is not a path from the root of the repository'
        assert may_include(source, name), \
            f"{source} must not include {name}: {room_of(name)} is no room below its own"


def test_only_drivers_know_libev():
    assert [source for source in SOURCES
            if "ev.h" in foreign(source) and not source.startswith(KNOW_LIBEV)] == []


@pytest.mark.parametrize("source", [source for source in SOURCES if source.startswith(PURE)])
def test_what_decides_is_pure(source):
    assert [name for name in foreign(source) + ours(source) if name in NOT_IN_PURE] == []


def test_sessions_do_not_allocate():
    assert [source for source in SOURCES if source.startswith("servers/stream/session")
            and "stdlib.h" in foreign(source)] == []


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
    owner, used = {}, {}
    for line in subprocess.run(["nm", "-A", *sorted(BUILD.glob("common/*.a.p/*.o")),
                                *sorted(BUILD.glob("servers/*.p/*.o"))],
                               capture_output=True, text=True, check=True).stdout.splitlines():
        path, rest = line.split(":", 1)
        kind, symbol = rest.split()[-2:]
        name = path.rsplit("/", 1)[1]
        if kind in "TDBR":
            owner[symbol] = name
        elif kind == "U":
            used.setdefault(name, set()).add(symbol)
    graph = {name: {owner[symbol] for symbol in symbols & owner.keys()} - {name}
             for name, symbols in used.items()}
    assert "stream_conn_phases.c.o" in graph["stream_conn.c.o"]
    del graph["endpoint_table.c.o"]
    done = set()
    for name in sorted(graph):
        walk(graph, name, [], done)


@pytest.mark.parametrize("source", [source for source in SOURCES
                                    if source.endswith(".c") and own_headers(source)])
def test_own_header_comes_first(source):
    """So each header is compiled once with nothing before it."""
    assert includes(source, r'[<"]([^>"]+)')[0] in own_headers(source)
