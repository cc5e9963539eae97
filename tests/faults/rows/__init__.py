"""Every row of the fault table of docs/reliability.md, in its order."""

from typing import Final

from tests.faults.rows import broker, clocks, database, replicas, sending, sockets
from tests.faults.scene import Row

ALL: Final[tuple[Row, ...]] = (
    *replicas.ROWS,
    *broker.ROWS,
    *database.ROWS,
    *sockets.ROWS,
    *sending.ROWS,
    *clocks.ROWS,
)
