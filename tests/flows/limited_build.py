"""``simmotion`` under a limit on the size of files, which stands in for a full disk."""

import os
import resource
import signal

from flows.cli import main

if __name__ == "__main__":
    limit = int(os.environ["SIMMOTION_TEST_FILE_SIZE_LIMIT"])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write shall fail, not kill
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    main()
