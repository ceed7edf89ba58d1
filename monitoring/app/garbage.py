"""What need not be looked through for garbage: Streamlit looks through all that there is after each run of its script."""

import gc
import sys


class Kept:
    """What loaded modules hold, which is nearly everything, and stays."""

    def __init__(self) -> None:
        self._modules = 0

    def with_new_modules(self) -> None:
        """Leave out what is there now, if modules were loaded since the last time.

        Called as a run begins, when the garbage of the run before it is gone: what is left out is never freed.
        """
        if len(sys.modules) > self._modules:
            self._modules = len(sys.modules)
            gc.freeze()


KEPT = Kept()
