"""What tests of the model, its tokenizers and its files share."""

from tests.unexpected_logs import fail_on_logging as fail_on_logging  # a fixture
