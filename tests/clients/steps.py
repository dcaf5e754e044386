"""What the Python scripts share: one printed line per step, and a status that tells whether all of them held."""

import sys
from contextlib import contextmanager

failed = []


@contextmanager
def step(sentence):
    """Runs a block and prints `ok` or `FAIL` with the sentence; a failed block does not stop the script."""
    try:
        yield
        print(f"  ok    {sentence}", flush=True)
    except Exception as error:  # any failure of the library under test is a finding
        failed.append(sentence)
        print(f"  FAIL  {sentence}\n          {type(error).__name__}: {error}", flush=True)


def same(have, want):
    """Fails with both values unless they are equal."""
    if have != want:
        raise AssertionError(f"\n          have {have!r}\n          want {want!r}")


def refused(kind, call):
    """The error of class `kind` that `call` must raise."""
    try:
        got = call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}, but {got!r}")


def finish():
    """Ends the script: 1 when a step failed."""
    sys.exit(1 if failed else 0)
