"""Part 4: a student's receiver and sender, as they are, with the station.

They choose no interface, so they run with the lab in a network of its own, which has nothing but a
loopback interface and a route for multicast through it: what they send cannot leave the machine.
"""


def test_a_receiver(start_alone, tmp_path):
    play = tmp_path / "play.txt"
    play.write_text("Who's there?\n\nNay, answer me.\n")
    _, start_student = start_alone(f"tv.text={play}", "tv.interval=1ms")
    receiver = start_student("part4_receiver.py")
    lines = [receiver.line() for _ in range(8)]
    first = lines.index("swcmTV RWND...")
    assert lines[first:first + 5] == ["swcmTV RWND...", "swcmTV Who's there?", "swcmTV ",
                                      "swcmTV Nay, answer me.", "swcmTV RWND..."]


def test_two_senders_and_a_receiver(start_alone):
    lab, start_student = start_alone("tv.interval=50ms")
    receiver = start_student("part4_receiver.py")
    assert receiver.line().startswith("swcmTV ")  # it has joined
    senders = {camipro: start_student("part4_sender.py", camipro)
               for camipro in ("123456", "234567")}
    for sender in senders.values():
        sender.write("To be, or not to be, that is the question:\n" * 8)
        assert sender.finish().status == 0
    heard = []
    while sum(line.startswith("swcmTV @") for line in heard) < 2:
        heard.append(receiver.line())
    assert [line[:15] for line in heard if line.startswith("swcmTV @")] == [
        "swcmTV @123456:", "swcmTV @234567:"]
    assert heard.count("123456 To be, or not to be, that is the question:") == 8
    assert [event["total"] for event in lab.wait_all(8, event="participant", id="234567")] == [
        42 * count for count in range(1, 9)]
