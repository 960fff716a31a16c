# Shared by scripts/lab, scripts/test and .ci/run: what is needed, how it is installed, how the
# project is built. All words go to stderr.
# shellcheck shell=bash disable=SC2034

ROOT=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
PROGRAM=scripts/${0##*/} # for messages
BUILD=${PMULAB_BUILD:-$ROOT/build}

say() { printf '%s: %s\n' "$PROGRAM" "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# lock FD WHOM: one at a time; says whom it waits for.
lock() {
    flock --nonblock "$1" || {
        say "waiting for $2"
        flock "$1"
    }
}

# What is needed, one thing a line:
# Debian's package | how its presence is seen | what it is called elsewhere
LAB_NEEDS='
gcc               | command gcc             | gcc
libc6-dev         | header stdio.h          | the C library (headers)
meson             | command meson           | meson (1.0 or later)
ninja-build       | command ninja           | ninja
pkg-config        | command pkg-config      | pkg-config
python3           | file /usr/bin/python3   | python3 as /usr/bin/python3
libev-dev         | header ev.h             | libev (headers)
libwslay-dev      | header wslay/wslay.h    | wslay (headers)
libssl-dev        | header openssl/ssl.h    | OpenSSL 3 (headers)
libjansson-dev    | header jansson.h        | jansson (headers)
libmnl-dev        | header libmnl/libmnl.h  | libmnl (headers)
libpcap-dev       | header pcap/pcap.h      | libpcap (headers)
llhttp            | llhttp                  | llhttp (headers)
libnss-myhostname | localhost               | an /etc/hosts with localhost
'
TEST_NEEDS='
check                 | header check.h                | Check (headers)
python3-pytest        | module pytest                 | pytest
python3-pytest-xdist  | module xdist                  | pytest-xdist
python3-websocket     | module websocket              | websocket-client for Python
python3-websockets    | module websockets             | websockets for Python
nodejs                | command node                  | Node.js
node-ws               | file /usr/share/nodejs/ws     | the npm package ws in /usr/share/nodejs
openssl               | command openssl               | openssl
socat                 | command socat                 | socat
curl                  | command curl                  | curl
git                   | command git                   | git
iproute2              | command ip                    | ip of iproute2
default-jdk-headless  | command javac                 | a JDK
tshark                | command tshark                | tshark
net-tools             | command netstat               | netstat of net-tools
mandoc                | command mandoc                | mandoc
zsh                   | command zsh                   | zsh
fish                  | command fish                  | fish
strace                | command strace                | strace
'
BROWSER_NEEDS='
chromium              | command chromium              | chromium
npm                   | command npm                   | npm
'
CI_NEEDS='
clang               | command clang                   | clang
libclang-rt-dev     | clang-rt                        | the sanitizers of clang
valgrind            | command valgrind                | valgrind
libc6-dbg           | file /usr/lib/debug/.build-id   | symbols of the C library
shellcheck          | command shellcheck              | shellcheck
mmdebstrap          | command mmdebstrap              | mmdebstrap
'

# Which of the headers in stdin the compiler finds: one run of the preprocessor for all of them.
headers_found() {
    sed 's|.*|#if __has_include(<&>)\nfound &\n#endif|' | gcc -E -P -w -x c - 2>/dev/null |
        sed -n 's/^found //p' || true
}

modules_found() {
    /usr/bin/python3 -c '
import importlib.util, sys
print(*(name for name in sys.stdin.read().split() if importlib.util.find_spec(name)), sep="\n")' \
        2>/dev/null || true
}

# Debian 13 has a library, Debian 12 its C sources: see meson.build.
have_llhttp() {
    pkg-config --exists libllhttp 2>/dev/null ||
        [[ -e /usr/share/llhttp/llhttp.c && -e /usr/share/include/llhttp/llhttp.h ]]
}

# needs_missing NEEDS: the lines of NEEDS that are not there, as "package|name elsewhere".
needs_missing() {
    local package how what name headers modules
    headers=$'\n'$(sed -n 's/.*| *header \([^ ]*\).*/\1/p' <<<"$1" | headers_found)$'\n'
    modules=$'\n'$(sed -n 's/.*| *module \([^ ]*\).*/\1/p' <<<"$1" | modules_found)$'\n'
    while IFS='|' read -r package how name; do
        read -r package <<<"$package"
        read -r how what <<<"$how"
        case $how in
            '') continue ;;
            command) command -v "$what" >/dev/null && continue ;;
            header) [[ $headers == *$'\n'"$what"$'\n'* ]] && continue ;;
            module) [[ $modules == *$'\n'"$what"$'\n'* ]] && continue ;;
            file) [[ -e $what ]] && continue ;;
            clang-rt) [[ -e $(clang -print-runtime-dir 2>/dev/null) ]] && continue ;;
            # A bare Debian has no /etc/hosts.
            localhost) getent hosts localhost >/dev/null && continue ;;
            llhttp) have_llhttp && continue ;;
        esac
        printf '%s|%s\n' "$package" "${name# }"
    done <<<"$1"
}

# join WORD...: "a, b, c"
join() {
    local text
    printf -v text '%s, ' "$@"
    printf '%s' "${text%, }"
}

# Runs apt-get as root, and keeps what it says for one line in case it fails.
as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif [[ -t 0 ]]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

install_packages() {
    local packages=("$@") said i
    said=$(apt update 2>&1) || true # what is known already may be enough
    for i in "${!packages[@]}"; do
        if [[ ${packages[i]} == llhttp ]]; then
            packages[i]=node-llhttp
            if apt-cache show libllhttp-dev >/dev/null 2>&1; then
                packages[i]=libllhttp-dev
            fi
        fi
    done
    say "installing ${packages[*]} (this once)"
    said=$(apt install --no-install-recommends "${packages[@]}" 2>&1) ||
        die "cannot install ${packages[*]}:" \
            "$(grep -m1 -E '^E:|sudo:' <<<"$said" || tail -n1 <<<"$said")"
}

# install_needs NEEDS: makes sure that all of it is there. Asks no package manager when it is.
install_needs() {
    local missing packages names
    missing=$(needs_missing "$1")
    [[ -n $missing ]] || return 0
    # One script at a time: the other may be about to install the same.
    exec 8<"$ROOT"
    lock 8 "another installation"
    missing=$(needs_missing "$1")
    mapfile -t packages < <(cut -d'|' -f1 <<<"$missing")
    mapfile -t names < <(cut -d'|' -f2 <<<"$missing")
    if [[ -z $missing ]]; then
        :
    elif ! command -v apt-get >/dev/null; then
        die "missing, and without apt-get for you to install: $(join "${names[@]}")"
    elif [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
        die "missing, and neither root nor sudo to install it;" \
            "as root: apt-get install ${packages[*]/#llhttp/node-llhttp}"
    else
        install_packages "${packages[@]}"
        missing=$(needs_missing "$1" | cut -d'|' -f2)
        [[ -z $missing ]] || die "installed ${packages[*]}, but still missing: ${missing//$'\n'/, }"
    fi
    exec 8<&-
}

# The build folder. Three files in it say what made it: .pmulab-source (where the sources were; a
# copied or moved checkout needs a new build), .pmulab-options, and .pmulab-tests (which tests there
# were), once the tests are built too.

build_is_writable() {
    local foreign
    if [[ ! -e $BUILD ]]; then
        mkdir -p "$BUILD" 2>/dev/null || die "cannot make $BUILD"
    fi
    foreign=$(find "$BUILD" -not -writable -not -type l -print -quit 2>/dev/null)
    [[ -z $foreign ]] ||
        die "$foreign belongs to $(stat -c %U "$foreign") and cannot be written:" \
            "remove $BUILD, as that user or root"
}

# quietly COMMAND...: its output is shown only if it fails; of ninja's, what failed.
quietly() {
    local log=$BUILD/.pmulab-log
    if ! "$@" >"$log" 2>&1 </dev/null; then
        if grep -q '^FAILED' "$log"; then
            sed -n '/^FAILED/,$ { /^\[[0-9]*\/[0-9]*\]/!p }' "$log" >&2
        else
            cat "$log" >&2
        fi
        die "$1 failed, see above"
    fi
}

# meson.build looks for them, but ninja does not look again when one comes or goes.
tests_there() { find "$ROOT/tests" -name 'test_*' | sort; }

# configure TESTS [MESON OPTION...]: without options (and CC), those of the last time are kept.
configure() {
    local tests=$1 options
    shift
    options="${CC-} $*"
    if [[ -e $BUILD/.pmulab-source ]]; then
        if [[ $(<"$BUILD/.pmulab-source") != "$ROOT" ]] ||
            [[ $options != ' ' && $(<"$BUILD/.pmulab-options") != "$options" ]]; then
            find "$BUILD" -mindepth 1 -delete
        fi
    fi
    if [[ ! -e $BUILD/build.ninja ]]; then
        say "building in $BUILD"
        printf '%s\n' "$options" >"$BUILD/.pmulab-options"
        printf '%s\n' "$ROOT" >"$BUILD/.pmulab-source"
        quietly meson setup "-Dtests=$tests" "$@" "$BUILD" "$ROOT"
    elif [[ $tests == true && $(cat "$BUILD/.pmulab-tests" 2>/dev/null) != "$(tests_there)" ]]; then
        quietly meson setup --reconfigure -Dtests=true "$BUILD" "$ROOT"
    fi
    [[ $tests == false ]] || tests_there >"$BUILD/.pmulab-tests"
}

# programs: what ninja is to build when nobody wants the tests, which may be broken.
programs() {
    ninja -C "$BUILD" -t targets rule c_LINKER | sed -n '/^servers\/\|^clients\//p'
}

# build TESTS [MESON OPTION...]: TESTS is true or false
build() {
    local targets=(all)
    build_is_writable
    exec 9<"$BUILD"
    lock 9 "another build in $BUILD"
    configure "$@"
    [[ $1 == true ]] || mapfile -t targets < <(programs)
    quietly ninja -C "$BUILD" "${targets[@]}"
    exec 9<&-
}
