"""What the dashboards show: each panel's question, its queries, its unit and where it turns bad.

Nothing here knows Grafana: make.py, beside this folder, turns it into its JSON. Queries use the
metrics of docs/operations.md, "Metrics", of django-prometheus, and of Prometheus itself; those of
logs use the labels that metrics/logs.py and deploy/alloy/config.alloy give.
"""

from boards import doors, processes, stores, way
from boards.panel import Board, Panel

__all__ = ["BOARDS", "Board", "Panel"]

BOARDS = (
    way.OVERVIEW,
    way.DELIVERY,
    doors.WEBSOCKET,
    doors.HTTP,
    stores.REDIS,
    stores.MONGODB,
    processes.REPLICAS,
    processes.LOGS,
)
