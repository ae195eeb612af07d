"""Debian's onionbalance 0.2.2, for a network of a dozen relays.

Where it looks for the directories that are to hold a descriptor it goes round
the ring of all of them, and stumbles where the ring begins again: of thousands
that is nowhere, of eleven it is every second time. Here the ring has no end;
nothing else differs.

usage: python3 balance_here.py ARGUMENT...
"""
import builtins
import sys

import onionbalance.hs_v3.hashring
import onionbalance.manager


class Ring(list):
    def __getitem__(self, index):
        return super().__getitem__(index % len(self))


onionbalance.hs_v3.hashring.sorted = lambda *a: Ring(builtins.sorted(*a))
sys.argv[0] = "onionbalance"
sys.exit(onionbalance.manager.main())
