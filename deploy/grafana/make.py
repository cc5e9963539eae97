"""Owns the JSON of the dashboards: `python deploy/grafana/make.py` writes it, `--to` elsewhere.

Must not know what they show: that is in boards/. Made with Grafana's own builders, so that
every field is one that Grafana has.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final

import boards
from grafana_foundation_sdk.builders import common as common_builder
from grafana_foundation_sdk.builders import dashboard, logs, loki, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model

SHIPPED: Final = Path(__file__).parent / "provisioning" / "dashboards"
HEIGHT: Final = {"lines": 8, "bars": 8, "number": 4, "logs": 10}
TAG: Final = "parley"


def source(name: str) -> model.DataSourceRef:
    """As provisioning/datasources names them."""
    return model.DataSourceRef(type_val=name, uid=name)


def target(kind: str, expression: str, legend: str, at: int, *, lines: bool) -> Any:
    name = chr(ord("A") + at)
    if kind == "loki":
        query = loki.Dataquery().query_type("range").datasource(source(kind))
        return query.expr(expression).legend_format(legend).ref_id(name)
    asked = prometheus.Dataquery().datasource(source(kind)).expr(expression)
    asked = asked.legend_format(legend).ref_id(name)
    return asked.range() if lines else asked.instant()


def thresholds(panel: boards.Panel) -> dashboard.ThresholdsConfig:
    steps = [model.Threshold(value=value, color=color) for value, color in panel.steps]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def drawn(panel: boards.Panel) -> Any:
    """The kind of panel, with what only this kind has."""
    if panel.kind == "number":
        newest = common_builder.ReduceDataOptions().calcs(["lastNotNull"])
        return stat.Panel().color_mode(common.BigValueColorMode.VALUE).reduce_options(newest)
    if panel.kind == "logs":
        return logs.Panel().show_time(True).wrap_log_message(True).enable_log_details(True)
    lines = timeseries.Panel().min(0).show_points(common.VisibilityMode.NEVER)
    legend = common_builder.VizLegendOptions().show_legend(True)
    lines = lines.legend(
        legend.display_mode(common.LegendDisplayMode.LIST).placement(common.LegendPlacement.BOTTOM)
    )
    lines = lines.tooltip(common_builder.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    style = common_builder.GraphThresholdsStyleConfig()
    lines = lines.thresholds_style(style.mode(common.GraphThresholdsStyleMode.DASHED))
    if panel.kind == "bars":
        stacked = common_builder.StackingConfig().mode(common.StackingMode.NORMAL)
        return lines.draw_style(common.GraphDrawStyle.BARS).fill_opacity(60).stacking(stacked)
    return lines.line_width(2).fill_opacity(8)


def built(panel: boards.Panel, kind: str) -> Any:
    made = drawn(panel).title(panel.title).description(panel.description)
    made = made.unit(panel.unit).thresholds(thresholds(panel)).datasource(source(kind))
    made = made.height(HEIGHT[panel.kind]).span(panel.width)
    for at, (expression, legend) in enumerate(panel.queries):
        lines = panel.kind != "number"
        made = made.with_target(target(kind, expression, legend, at, lines=lines))
    return made


def chosen(name: str, label: str, query: str, kind: str) -> dashboard.QueryVariable:
    """A list above the dashboard to choose from; all of it at first."""
    variable = dashboard.QueryVariable(name).label(label).query(query).datasource(source(kind))
    variable = variable.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).include_all(True)
    everything = model.VariableOption(text="All", value="$__all", selected=True)
    # Loki refuses streams that are chosen only by what an empty label would match, too.
    whole = ".+" if kind == "loki" else ".*"
    return variable.multi(True).all_value(whole).current(everything)


def whole(board: boards.Board) -> model.Dashboard:
    made = dashboard.Dashboard(f"Parley · {board.name}").uid(f"parley-{board.name.lower()}")
    made = made.description(board.description).tags([TAG]).refresh("10s").time("now-1h", "now")
    made = made.timezone("browser").tooltip(model.DashboardCursorSync.CROSSHAIR)
    others = dashboard.DashboardLink("Parley").type(model.DashboardLinkType.DASHBOARDS)
    made = made.link(others.tags([TAG]).as_dropdown(True).keep_time(True).include_vars(True))
    if board.source == "loki":
        for name in ("env", "replica"):
            query = f'label_values({{app="parley"}}, {name})'
            made = made.with_variable(chosen(name, name.title(), query, "loki"))
        query = "label_values(service)"
        made = made.with_variable(chosen("service", "Service", query, "loki"))
        made = made.with_variable(dashboard.TextBoxVariable("search").label("Search"))
    else:
        query = 'label_values(up{job="parley"}, instance)'
        made = made.with_variable(chosen("instance", "Replica", query, "prometheus"))
    for panel in board.panels:
        made = made.with_panel(built(panel, board.source))
    return made.build()


def write(folder: Path) -> None:
    """All of them, one file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for board in boards.BOARDS:
        text = json.dumps(json.loads(JSONEncoder(sort_keys=True).encode(whole(board))), indent=1)
        (folder / f"{board.name.lower()}.json").write_text(f"{text}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the dashboards of Grafana.")
    parser.add_argument("--to", type=Path, default=SHIPPED, help="the folder")
    write(parser.parse_args().to)


if __name__ == "__main__":
    main()
