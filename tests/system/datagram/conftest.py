"""What the tests of the datagrams share."""
import pytest

from support.datagrams import settings


@pytest.fixture
def start_reset(start_lab):
    """start_reset(*settings, options=()): a lab with the reset server alone, both families, nothing
    lost by default."""

    def start(*assignments, options=(), endpoints=("reset",), **kwargs):
        return start_lab(*settings("reset.family=both", "reset.loss=none", *assignments), *options,
                         *endpoints, **kwargs)

    return start
