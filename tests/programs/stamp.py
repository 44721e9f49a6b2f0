"""The smallest step program: it leaves the moment in which it started, and loads nothing first."""

import os
import time

started = time.time()
with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "started"), "w") as file:
    file.write(repr(started))
