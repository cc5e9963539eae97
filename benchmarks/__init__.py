"""Owns the measuring of speed: what is run, with what load, on which cores, and what it printed.

Nothing here is part of the product, and the product imports nothing from here. See README.md.
"""
