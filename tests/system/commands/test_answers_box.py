"""`pmulab answers` on a run in the box, with its capture: the report of 2016 comes out, and capture
and events agree."""
import json
import subprocess

from support.box import box
from support.lab import DEADLINE

# In the box the clients find the lab by its name; d=1 takes a twentieth of its time.
RUN = """
pdc --json -b 16 CMD_short:0 >a.json
pdc CMD_short:1 >/dev/null
pdc --json -b 16 CMD_floodme >b.json
pdc-ws CMD_short:0 >/dev/null
pdc-ws CMD_floodme >/dev/null
pdc-reset --timeout 50ms >/dev/null
cat a.json b.json >clients.json
"""


def answers(user, folder, *options):
    done = subprocess.run([*user.command("answers", "lab.ndjson", "--json", *options)], cwd=folder,
                          env=user.environment(), timeout=DEADLINE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {one["question"]: one for one in map(json.loads, done.stdout.splitlines())}


def test_the_report_of_2016(user):
    folder = user.folder()
    result = box("--profile", "epfl-2016", "--set", "pmu.speed=20", "--set", "reset.loss=first:2",
                 "--capture", "lab.pcap", "--events", "lab.ndjson", "--", "sh", "-ec", RUN,
                 user=user, cwd=folder)
    assert result.status == 0, result
    for options in [], ["--capture", "lab.pcap"]:
        said = answers(user, folder, "--client", "clients.json", *options)
        assert said["Q9"]["answer"].startswith("20 messages")
        assert said["Q10"]["answer"] == \
            "d=0: 2 packets, of 18 and 352 bytes; d=1: 20 packets, 10 of 18 and 10 of 19 bytes"
        assert said["Q13"]["answer"] == "1 packet, of 1110 bytes"
        assert said["Q15"]["answer"].startswith("71 calls of recv(16)")
        assert said["Q16"]["answer"].endswith(("over IPv4", "over IPv6"))
        assert said["Q24"]["answer"].startswith("20 times")
        assert said["Q25"]["answer"].startswith("1 packet") \
            and "called 1 time" in said["Q25"]["answer"]
        if options:
            for question in "Q10", "Q13", "Q23", "Q25":
                assert "differs" not in json.dumps(said[question]) \
                    and "agree" in json.dumps(said[question]), said[question]
