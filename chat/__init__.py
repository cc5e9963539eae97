"""The house: rooms, their logs, and the way of a message. Imports run downward only:

edges (consumers, views, api, admin) -> services, selectors -> fanout -> feed, bus, store, presence
-> protocol, text, limits, keys, models, errors.
"""
