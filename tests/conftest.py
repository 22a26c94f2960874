import os

import hypothesis
import matplotlib as mpl
import pytest

mpl.use("Agg")  # not through the environment, which notebooks' kernels would inherit

hypothesis.settings.register_profile("local", deadline=None)
# The same examples on every run: a failure in CI is then a failure here too.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


def require(condition: object, reason: str) -> None:
    """Skip where something is missing; in CI, where nothing may be, fail."""
    if not condition:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
