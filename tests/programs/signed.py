"""A step program that signs what it leaves with the attempt that made it, and starts in no time.

Two attempts of a step leave different bytes, so whoever finds an artifact can tell which of them won.
"""

import json
import os
import time
from pathlib import Path

SIGNATURE = "signature"
VALUE = "value.json"
MEASURED = '{"metrics": {"accuracy": {"value": 0.9}}}'

if __name__ == "__main__":
    given = json.loads(os.environ["SM_HPS"])
    for channel in json.loads(os.environ["SM_CHANNELS"]):
        # What it is given must be whole; an unfinished artifact would have no signature.
        assert Path(os.environ[f"SM_CHANNEL_{channel.upper()}"], SIGNATURE).read_text()
    time.sleep(float(given.get("seconds", "0")))
    output = Path(os.environ["SM_OUTPUT_DATA_DIR"])
    (output / SIGNATURE).write_text(os.environ["TRAINING_JOB_NAME"])
    (output / VALUE).write_text(MEASURED)
