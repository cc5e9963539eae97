"""Breaks things on purpose and judges what people would have seen: `make faults`.

    stage       the servers of one run, in a temporary folder: database, broker, replicas, nginx
    chatter     one client: says until acked, comes back as the wire has it, shows what it is sent
    ledger      what was said and what was answered; view: what one client shows
    checker     joins ledger, views and database into a verdict
    rows/       one fault each, with the figures and gates of its own
    report      the table, the progress bar, the JSON
    document    the table of docs/reliability.md, out of the JSON

docs/reliability.md explains it and holds the last figures.
"""
