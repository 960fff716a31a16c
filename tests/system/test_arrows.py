"""Who may include whom. ARCHITECTURE.md draws these arrows; here they are checked, by the #include lines alone."""
import re

import pytest

from support.lab import ROOT

FOLDERS = ("common", "servers", "clients", "tests")
SOURCES = sorted(path.relative_to(ROOT).as_posix() for folder in FOLDERS
                 for path in (ROOT / folder).rglob("*.[ch]") if "node_modules" not in path.parts)
GENERATED = {"flood_text.h", "page_files.h",
             *(f"profile_{path.stem.replace('-', '_')}.h" for path in (ROOT / "profiles").glob("*.ini"))}

# The folders and files that a source may include, by the longest beginning of its name that stands here.
MAY_INCLUDE = {
    "common/": ("common/",),
    "clients/": ("common/", "clients/client"),
    "tests/": ("common/", "servers/", "clients/", "tests/"),
    "servers/": ("common/", "servers/"),
    "servers/main.c": ("common/", "servers/commands/"),
    "servers/commands/": ("common/", "servers/commands/", "servers/emulator.h", "servers/config.h",
                          "servers/endpoint_table.h", "servers/events/", "servers/profile.h",
                          "servers/port_holder.h", "servers/duration.h", "servers/network/", "servers/control/",
                          "servers/datagram/fate.h", "servers/datagram/loss.h", "servers/datagram/multicast.h"),
    "servers/network/": ("common/", "servers/network/"),
    "servers/control/": ("common/", "servers/control/", "servers/emulator.h", "servers/config.h",
                         "servers/config_about.h", "servers/endpoint_table.h", "servers/events/",
                         "servers/port_holder.h"),
    # HTTP and who may use it know nothing of the lab.
    "servers/control/http": ("common/", "servers/control/http"),
    "servers/control/guard": ("common/", "servers/control/guard", "servers/control/http.h"),
    "servers/control/api_preview": ("common/", "servers/control/", "servers/config.h", "servers/datagram/impair.h",
                                    "servers/datagram/loss.h"),
    "servers/control/scenario": ("common/", "servers/control/", "servers/emulator.h", "servers/duration.h"),
    "servers/control/place": ("common/", "servers/control/place"),
    # Keys whose values have a grammar are read by the pure module that uses them.
    "servers/config_texts": ("common/", "servers/config", "servers/datagram/jitter.h", "servers/datagram/loss.h",
                             "servers/datagram/turns.h", "servers/play.h"),
    "servers/config": ("common/", "servers/config", "servers/duration.h", "servers/endpoint_table.h"),
    "servers/profile": ("common/", "servers/profile", "servers/config.h"),
    "servers/events/": ("common/", "servers/events/", "servers/endpoint_table.h"),
    "servers/endpoint_table": ("servers/endpoint", "servers/stream/session.h", "servers/datagram/responder.h"),
    "servers/stream/": ("common/", "servers/stream/", "servers/events/", "servers/config.h", "servers/endpoint",
                        "servers/port_holder.h", "servers/flood.h"),
    "servers/datagram/": ("common/", "servers/datagram/", "servers/events/", "servers/config.h", "servers/endpoint",
                          "servers/duration.h"),
    "servers/stream/session": ("common/wire.h", "servers/stream/session.h", "servers/events/event.h",
                               "servers/config.h"),
}
# Who drives stands above what is driven.
ABOVE = ("servers/commands/", "servers/emulator.h", "servers/stream/conn", "servers/stream/endpoint_",
         "servers/datagram/endpoint_")
MAY_LOOK_UP = ("servers/main.c", "servers/commands/", "servers/emulator", "servers/control/", "servers/stream/conn",
               "servers/stream/endpoint_", "servers/datagram/endpoint_", "tests/")
KNOW_LIBEV = ("servers/commands/run.c", "servers/commands/beside", "servers/emulator", "servers/stream/conn",
              "servers/stream/endpoint_", "servers/datagram/endpoint_", "servers/control/", "tests/")
# What decides is pure: no loop, no socket, no clock.
PURE = ("servers/stream/session", "servers/datagram/responder", "servers/datagram/impair", "servers/datagram/fate",
        "servers/datagram/loss", "servers/datagram/audience", "servers/datagram/riddles",
        "servers/datagram/fold", "servers/datagram/jitter", "servers/datagram/turns",
        "servers/datagram/station", "common/wire", "common/utf8", "common/json", "common/ws_frames",
        "common/ws_upgrade")
NOT_IN_PURE = ("ev.h", "sys/socket.h", "netinet/in.h", "netinet/tcp.h", "time.h", "sys/time.h", "common/clock.h",
               "common/net.h", "common/transport.h", "unistd.h")


def includes(source, pattern):
    return re.findall(rf"^\s*#\s*include\s+{pattern}", (ROOT / source).read_text(), re.MULTILINE)


def ours(source):
    return [name for name in includes(source, r'"([^"]+)"') if name not in GENERATED]


def foreign(source):
    return includes(source, r"<([^>]+)>")


def allowed(source):
    return MAY_INCLUDE[max((start for start in MAY_INCLUDE if source.startswith(start)), key=len)]


def own_headers(source):
    stem = source.removesuffix(".c")
    return [header for header in (f"{stem}.h", f"{stem}_private.h") if header in SOURCES]


def test_there_is_something_to_check():
    assert {"common/net.c", "servers/stream/conn.c", "servers/stream/session_pmu.c", "clients/pdc.c"} <= set(SOURCES)
    assert "ev.h" in foreign("servers/stream/conn.h")
    assert "common/wire.h" in ours("servers/stream/session_pmu.c")


@pytest.mark.parametrize("source", SOURCES)
def test_arrows_point_one_way(source):
    folder = source.rsplit("/", 1)[0]
    for name in ours(source):
        if source.startswith("tests/") and (ROOT / folder / name).exists():
            continue  # a test's own neighbour
        assert (ROOT / name).exists(), f'"{name}" is not a path from the root of the repository'
        assert name.startswith(allowed(source)), f"{source} must not include {name}"
        if name.startswith(ABOVE) and name not in own_headers(source):
            assert source.startswith(MAY_LOOK_UP), f"{source} looks up to {name}"


def test_only_drivers_know_libev():
    assert [source for source in SOURCES if "ev.h" in foreign(source) and not source.startswith(KNOW_LIBEV)] == []


@pytest.mark.parametrize("source", [source for source in SOURCES if source.startswith(PURE)])
def test_what_decides_is_pure(source):
    assert [name for name in foreign(source) + ours(source) if name in NOT_IN_PURE] == []


def test_sessions_do_not_allocate():
    assert [source for source in SOURCES if source.startswith("servers/stream/session")
            and "stdlib.h" in foreign(source)] == []


def test_headers_are_no_circle():
    """Include guards hide a circle until somebody includes its other end first."""
    headers = {source: ours(source) for source in SOURCES if source.endswith(".h")}

    def walk(header, path):
        assert header not in path, " -> ".join([*path, header])
        for name in headers.get(header, ()):
            walk(name, [*path, header])

    for header in headers:
        walk(header, [])


@pytest.mark.parametrize("source", [source for source in SOURCES if source.endswith(".c") and own_headers(source)])
def test_own_header_comes_first(source):
    """So each header is compiled once with nothing before it."""
    assert includes(source, r'[<"]([^>"]+)')[0] in own_headers(source)
