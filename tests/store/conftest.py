"""What tests of the store share."""

from tests.unexpected_logs import fail_on_logging as fail_on_logging  # a fixture
