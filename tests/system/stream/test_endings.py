"""How a connection ended is told as it was: a good end is no failure, a known reason stays, and
a Close is read."""
import socket
import ssl
import struct

import pytest

from support.frames import BINARY, CLOSE, PONG, close_frame, frame
from support.lab import DEADLINE, run
from support.peers import CARRIERS, Plain, connect, open_socket

WEBSOCKETS = ["pmu-ws", "pmu-wss"]
websockets = pytest.mark.parametrize("carrier", WEBSOCKETS)


def ended(lab, carrier):
    """The close event, and the lines for people about faults."""
    closed = lab.wait(event="close", endpoint=carrier)
    return closed, [event["what"] for event in lab.events(event="error", endpoint=carrier)]


@websockets
def test_a_reset_behind_the_close_exchange_is_the_end(lab, carrier):
    """A client that closes its socket with the lab's close_notify unread makes its kernel reset the
    connection."""
    peer = connect(lab, carrier)
    peer.command("CMD_short:0")
    peer.read_to_close()
    with lab.asleep():
        peer.send(close_frame(1000))
        peer.reset()
    closed, faults = ended(lab, carrier)
    assert (closed["why"], closed["messages"], closed["ws_close_code"]) == ("done", 20, 1000)
    assert faults == []


@pytest.mark.parametrize("carrier", ["pmu-tls", "pmu-wss"])
def test_a_refused_certificate_is_told_once(lab, carrier):
    """The reset behind the client's alert is no second fault, and no other reason."""
    context = ssl.create_default_context()
    with open_socket(lab, carrier) as peer:
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(peer, server_hostname="localhost", do_handshake_on_connect=True)
    closed, faults = ended(lab, carrier)
    assert closed["why"] == "no handshake"
    assert faults == ['the peer sent the TLS alert "unknown CA" (48): '
                      "it does not trust the CA that signed our certificate"]


@pytest.mark.parametrize("time", range(5))
def test_our_own_client_says_why_it_refuses(lab, time):
    """pdc-tls reads on for a moment, or a reset would overtake its alert."""
    result = run("pdc-tls", "--ca", "/etc/ssl/certs/ca-certificates.crt", "CMD_short:0", lab=lab)
    assert result.status != 0
    closed, faults = ended(lab, "pmu-tls")
    assert closed["why"] == "no handshake" and len(faults) == 1
    assert 'the TLS alert "unknown CA" (48)' in faults[0]


def test_who_leaves_behind_the_handshake_may_have_refused(lab):
    """curl, PHP, socat and ncat check the certificate themselves, behind the handshake, and then
    leave without a word."""
    peer = connect(lab, "pmu-tls")
    peer.half_close()
    assert "certificate" in lab.wait(event="hint", endpoint="pmu-tls")["what"]
    closed, faults = ended(lab, "pmu-tls")
    assert (closed["why"], faults) == ("peer closed", [])
    peer.close()


@websockets
@pytest.mark.parametrize("bad", [
    frame(BINARY, b"CMD_short:0", mask=None), frame(BINARY, b"x", rsv=4),
])
def test_a_bad_frame_and_a_reset_at_once(lab, carrier, bad):
    peer = connect(lab, carrier)
    with lab.asleep():
        peer.send(bad)
        peer.reset()
    closed, faults = ended(lab, carrier)
    assert closed["why"] == "protocol error"
    assert len(faults) == 1 and faults[0].startswith("the peer sent a frame "), faults


@websockets
def test_a_client_that_still_sends_is_waited_for(start_lab, carrier):
    """With ws.ping a slow client answers pings before it comes to the Close; 2 s of silence would
    end it."""
    lab = start_lab("--set", "ws.ping=20ms", "--set", "pmu.messages=2")
    peer = connect(lab, carrier)
    peer.command("CMD_short:0.1")
    peer.read_to_close()
    for _ in range(8):
        peer.send(frame(PONG, b"late"))
        assert peer.stays_silent(0.6)
    peer.send(close_frame(1000))
    closed, faults = ended(lab, carrier)
    assert (closed["why"], closed["messages"], closed["ws_close_code"]) == ("done", 2, 1000)
    assert faults == []
    assert closed["seconds"] > 4.5
    peer.close()


@websockets
def test_but_not_for_ever(start_lab, carrier):
    lab = start_lab("--set", "pmu.stall=3s", "--set", "pmu.messages=1")
    peer = connect(lab, carrier)
    peer.command("CMD_short:0")
    peer.read_to_close()
    while peer.stays_silent(0.3):
        peer.send(frame(PONG, b"late"))
    closed = lab.wait(event="close", endpoint=carrier)
    assert closed["ws_close_code"] == 1006 and 2.5 < closed["seconds"] < 6, closed
    peer.close()


@websockets
def test_no_answer_to_close_is_1006(lab, carrier):
    peer = connect(lab, carrier)
    peer.command("CMD_short:0")
    peer.read_to_close()
    closed = lab.wait(event="close", endpoint=carrier)
    assert (closed["why"], closed["ws_close_code"]) == ("done", 1006)
    peer.close()


@websockets
def test_a_close_that_says_why_is_read_behind_a_reset(start_lab, carrier):
    """A client with a limit on messages closes with 1009 and leaves the rest of the flood
    unread."""
    lab = start_lab("--set", "pmu.flood=16MiB")
    peer = connect(lab, carrier)
    peer.command("CMD_floodme")
    lab.wait(event="pause", endpoint=carrier)
    with lab.asleep():
        peer.send(close_frame(1009))
        peer.reset()
    hint = lab.wait(event="hint", endpoint=carrier)
    assert hint["what"] == "it closed with 1009: the message is too big for it"
    closed = lab.wait(event="close", endpoint=carrier)
    assert (closed["first"], closed["why"]) == ("peer", "peer closed")
    assert closed["ws_close_code"] == 1009


@websockets
def test_close_code_1005_means_none(lab, carrier):
    """It must not be sent; Perl's AnyEvent::WebSocket::Client sends it."""
    peer = connect(lab, carrier)
    peer.send(frame(CLOSE, struct.pack("!H", 1005)))
    closed, faults = ended(lab, carrier)
    assert (closed["why"], closed["ws_close_code"], faults) == ("peer closed", 1005, [])
    peer.close()


@websockets
@pytest.mark.parametrize("code, words", [
    (1003, "ws.reply"), (1002, "breach"), (1007, "UTF-8"), (1011, "failed"),
])
def test_what_a_close_says(lab, carrier, code, words):
    peer = connect(lab, carrier)
    peer.send(close_frame(code))
    assert words in lab.wait(event="hint", endpoint=carrier)["what"]
    assert ended(lab, carrier)[1] == []
    peer.close()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_other_family_is_no_fault(lab, carrier):
    """Happy eyeballs (RFC 8305): the client opens both families and resets the slower one."""
    port = lab.port(carrier)
    four, six = (socket.create_connection((host, port)) for host in ("127.0.0.1", "::1"))
    lab.wait_all(2, event="open", endpoint=carrier)
    Plain(four).reset()
    closed = lab.wait(event="close", endpoint=carrier)
    assert (closed["first"], closed["why"]) == ("peer", "unused")
    assert lab.events(event="error", endpoint=carrier) == []
    six.close()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_lonely_reset_is_a_fault(lab, carrier):
    Plain(socket.create_connection(("127.0.0.1", lab.port(carrier)))).reset()
    assert lab.wait(event="error", endpoint=carrier)["fault"] == "peer"
    assert lab.wait(event="close", endpoint=carrier)["why"] in ("no handshake", "connection lost")


@pytest.mark.parametrize("carrier", ["pmu-tls", "pmu-wss"])
def test_a_certificate_refused_without_an_alert(start_lab, carrier):
    """The client reads the lab's certificate and closes, as Node.js does where it trusts no CA."""
    lab = start_lab(carrier)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, outgoing,
                                                             server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    with socket.create_connection(lab.address(carrier), DEADLINE) as peer:
        peer.sendall(outgoing.read())
        assert peer.recv(65536)
        peer.shutdown(socket.SHUT_WR)
        error = lab.wait(event="error", endpoint=carrier)
    assert "do not accept our certificate" in error["what"]
