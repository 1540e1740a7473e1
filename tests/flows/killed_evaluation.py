"""``simmotion`` that keeps every clip at once and kills itself with SIGKILL before the COUNT-th is kept.

``python -m tests.flows.killed_evaluation COUNT ARGUMENTS…``.  The moment is patched in from outside.
"""

import sys

from data.vectors import VectorStore
from flows import embedding
from flows.cli import main
from tests.flows.killed_build import dies_before

if __name__ == "__main__":
    embedding.FLUSH_SECONDS = -1.0
    VectorStore.write = dies_before(VectorStore.write, int(sys.argv[1]))  # type: ignore[method-assign]
    sys.argv = ["simmotion", *sys.argv[2:]]
    main()
