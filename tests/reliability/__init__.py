"""Facts about what survives failures, and what people then see."""

import pytest

pytest.register_assert_rewrite("tests.reliability.trial", "tests.reliability.savers")
