"""The private Tor network of these tests, and what speaks through it."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# The drop, the bytes on the wire and TAP are those of the system tests, the
# browsers those of the browser tests.
for _name in ("system", "browser"):
    sys.path.insert(0, os.path.join(HERE, "..", "..", _name))
