"""Models: one folder per project, one module per model, and the verb that trains, gates and promotes them."""

import os

# OpenMP's threads must sleep, not spin, while they wait: a busy neighbour on the same cores would cost tens of times
# the fit itself. It counts only if it is set before scikit-learn is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

MACHINERY = ("profile", "profiles", "steps", "testing", "train")
"""Verbs and what they are made of: nothing is declared there. All other folders are projects."""
