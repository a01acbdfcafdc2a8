"""What all tests share: hypothesis without clock or chance, no cache."""

import os

from hypothesis import settings

# Machines that run many tests at once are slow and uneven: time says nothing about correctness.
settings.register_profile("default", deadline=None)
# The same examples each time, so that a change is never blamed for another day's luck.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

# Counts of earlier runs would hide a counting that broke, and tests leave nothing in anyone's home.
os.environ["TOKKIT_CACHE"] = "off"
