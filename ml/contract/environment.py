"""Which of a host's variables its programs see, the same on a worker and in a job's container.

Whoever parses uploads gets no variable that isn't named here. Proxies are left out for their passwords.
"""

from ml.contract import faults

ALLOWED = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "HF_HUB_OFFLINE",
    "HF_ENDPOINT",
    "SSL_CERT_FILE",
    faults.VARIABLE,
)
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
# Waiting threads sleep. Beside other work spinning ones more than doubled a training's CPU time.
ALWAYS = {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
