"""``simmotion up`` whose collector looks every 40 seconds, for tests that wait for it."""

from flows import serve
from flows.cli import main

if __name__ == "__main__":
    serve.EVERY_SECONDS = 40
    main()
