"""What pytest leaves out: the doctests of training, where its extra is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("accelerate") else ["src/vocalsep/training"]
