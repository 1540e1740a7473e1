"""Settings for every test."""

import os

from hypothesis import settings

# A test may be slow on a busy machine and still be right.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

# A model hub or telemetry is never asked, whatever the machine allows.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
