"""How long `pmulab run` takes: from its own start to the command's first instruction, and from its
end to pmulab's."""
import statistics
import subprocess
import time

import pytest

from support.box import box
from support.lab import DEADLINE, SANITIZED, SCALE

# Its first instruction, or close to it: the clock is everybody's.
CLOCK = """
#include <stdio.h>
#include <time.h>
int main(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("%lld.%09ld\\n", (long long)now.tv_sec, now.tv_nsec);
	return 0;
}
"""
STARTS = 15
# Seconds. The aim is 60 ms. A busy machine takes longer. But a start that waits for something that
# never comes (an address being tested, a name, a second try) takes a second at least.
LIMIT = 0.3 * SCALE * (4 if SANITIZED else 1)


@pytest.fixture(scope="module")
def clock(everybody):
    program = next(iter(everybody.values())).programs / "clock"
    subprocess.run(["gcc", "-O2", "-x", "c", "-o", program, "-"], input=CLOCK, text=True,
                   check=True, timeout=DEADLINE)
    return str(program)


@pytest.mark.alone
@pytest.mark.parametrize("options", [(), ("--loopback",),
                                     ("--capture", "capture.pcap", "--events", "events.ndjson")],
                         ids=["box", "loopback", "box with a capture"])
def test_start_and_end(user, clock, options, record_property):
    folder = user.folder()
    starts, ends = [], []
    box("true", user=user)  # makes the certificates
    for _ in range(STARTS):
        began = time.monotonic()
        result = box(*options, clock, user=user, cwd=folder)
        ended = time.monotonic()
        assert result.status == 0 and result.stderr == "", result
        starts.append(float(result.stdout) - began)
        ends.append(ended - float(result.stdout))
    told = (f"start {1000 * statistics.median(starts):.1f} ms, end "
            f"{1000 * statistics.median(ends):.1f} ms")
    record_property("medians", told)
    print(told)
    assert statistics.median(starts) < LIMIT, told
    assert statistics.median(ends) < LIMIT, told
