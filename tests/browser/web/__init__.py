"""Browsers without JavaScript, and what a source does with them."""
import os
import sys

# The drop, the bytes on the wire and TAP are those of the system tests.
sys.path.insert(
    0, os.path.join(os.path.dirname(__file__), "..", "..", "system")
)
