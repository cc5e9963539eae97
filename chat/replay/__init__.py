"""Real conversations said again: IRC logs through the sockets of a running server, and a check.

    log      what a file says: lines, who said them, when              (pure)
    cast     who those people are here: usernames                      (pure)
    sockets  many people, a bounded number of open sockets
    watch    what a watching client saw, and what the room's log says
    run      one file from its first line to its figures
    report   what was sent against what was seen                       (pure)

Uses chat.client only: it speaks to the server as everybody else does.
`manage.py replay` makes the accounts and prints.
"""
