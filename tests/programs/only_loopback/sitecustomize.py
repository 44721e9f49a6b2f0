"""Python loads this first in the second environment: who reaches for anything but this machine ends at once.

Ends, and does not raise: telemetry is sent by code that swallows every exception.
"""

import os
import socket
import sys

HERE = ("127.0.0.1", "::1", "localhost", "", None)


def _watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if host not in HERE and host != socket.gethostname():
        os.write(2, f"this program wanted to reach {host}; only loopback is allowed\n".encode())
        os._exit(97)


sys.addaudithook(_watch)
