"""Every row of the fault table of docs/reliability.md, in its order."""

from typing import Final

from tests.faults.rows import broker, clocks, database, lasting, replicas, sending, silence, sockets
from tests.faults.scene import Row

ALL: Final[tuple[Row, ...]] = (
    *replicas.ROWS,
    *broker.ROWS,
    *database.ROWS,
    *sockets.ROWS,
    *silence.ROWS[:1],
    *sending.ROWS,
    *clocks.ROWS,
    *silence.ROWS[1:],
    *lasting.ROWS,
)
