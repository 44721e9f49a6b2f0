"""``python -m app.probe``: whether the web process of this machine is ready, for a container's health check.

Only the standard library: it starts every few seconds, and 503 is an answer like any other.
"""

import http.client
import os
import sys

SECONDS = 5


def main() -> int:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or 8000), timeout=SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        sys.stdout.write(answer.read(1000).decode(errors="replace") + "\n")
        return int(answer.status != http.client.OK)
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"{error}\n")
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
