"""What the tests of a whole host share; and the way to tests/system/lib."""
import os
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(__file__), "..", "..", "system"))
