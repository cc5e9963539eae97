"""What the checker of `make faults` finds."""

import json
import math
from pathlib import Path

import pytest

from tests.faults import checker, complaints, document, proxy, report
from tests.faults.checker import Counts, Stored
from tests.faults.ledger import Ack, Ledger, percentile, quantile
from tests.faults.scene import Gate, Result
from tests.faults.view import Truth, View

ROOM = "room"
LOG = [Stored("x", 1, 0, ""), Stored("a", 2, 1, "a"), Stored("b", 3, 2, "b")]


def said(ledger: Ledger, token: str, *, sent_at: float, acked_at: float, seq: int, n: int) -> None:
    """Somebody said it and was answered."""
    ledger.say(id=token, room=ROOM, sender="alice", at=sent_at).acks.append(
        Ack(acked_at, seq, n, False)
    )


def talk() -> Ledger:
    """Two messages, one after the other, as `LOG` has them."""
    ledger = Ledger()
    said(ledger, "a", sent_at=1, acked_at=2, seq=2, n=1)
    said(ledger, "b", sent_at=3, acked_at=4, seq=3, n=2)
    return ledger


def judged(ledger: Ledger, shown: list[tuple[int, str]], log: list[Stored] = LOG) -> Counts:
    """The verdict over one view that began at seq 1 and was shown these."""
    truth = Truth()
    view = View(truth)
    view.greet({ROOM: 1})
    for seq, token in shown:
        view.show(ROOM, seq, token)
    return checker.check(ledger=ledger, views=[view], truth=truth, logs={ROOM: log}, complaints=0)


def test_finds_nothing_where_all_is_well() -> None:
    counts = judged(talk(), [(2, "a"), (3, "b")])
    assert counts.broken() == {}
    assert counts.acked == 2


@pytest.mark.parametrize(
    ("shown", "column"),
    [
        ([(2, "a")], "holes"),
        ([(3, "b")], "holes"),
        ([(2, "a"), (3, "b"), (3, "b")], "twice"),
        ([(3, "b"), (2, "a")], "disorder"),
        ([(2, "a"), (3, "c")], "phantoms"),
        ([(2, "a"), (3, "b"), (4, "c")], "phantoms"),
    ],
)
def test_finds_what_a_view_should_not_show(shown: list[tuple[int, str]], column: str) -> None:
    assert list(judged(talk(), shown).broken()) == [column]


def test_finds_an_acked_message_that_is_not_stored() -> None:
    assert judged(talk(), [(2, "a")], LOG[:2]).broken() == {"lost": 1}


def test_finds_an_ack_that_says_another_place() -> None:
    ledger = talk()
    ledger.said["a"].acks.append(Ack(5, 7, 7, True))
    assert judged(ledger, [(2, "a"), (3, "b")]).broken() == {"lost": 1}


def test_finds_one_message_under_two_ids() -> None:
    log = [*LOG, Stored("c", 4, 3, "a")]
    counts = judged(talk(), [(2, "a"), (3, "b"), (4, "a")], log)
    assert counts.broken() == {"twice": 2}  # once stored, once shown


def test_finds_a_gap_in_a_log() -> None:
    log = [LOG[0], LOG[2]]
    assert judged(Ledger(), [], log).holes > 0


def test_finds_what_was_stored_before_something_acked_earlier() -> None:
    ledger = Ledger()
    said(ledger, "b", sent_at=1, acked_at=2, seq=3, n=2)
    said(ledger, "a", sent_at=3, acked_at=4, seq=2, n=1)
    assert judged(ledger, [(2, "a"), (3, "b")]).broken() == {"disorder": 1}


def test_finds_what_nobody_answered() -> None:
    ledger = talk()
    ledger.say(id="c", room=ROOM, sender="bob", at=5)
    ledger.say(id="d", room=ROOM, sender="bob", at=5).given_up = "forbidden"
    assert judged(ledger, [(2, "a"), (3, "b")]).broken() == {"unanswered": 1, "refused": 1}


def test_a_reset_room_goes_on_from_its_head() -> None:
    view = View(Truth())
    view.greet({ROOM: 1})
    view.reset(ROOM, 9)
    view.show(ROOM, 10, "k")
    track = view.tracks[ROOM]
    assert (track.last, track.resets, track.missing, track.disorder) == (10, 1, set(), 0)


def test_a_failing_request_is_excused_only_while_its_fault_lasts() -> None:
    ledger = Ledger()
    ledger.allow("no database", since=10, until=20, methods=("GET",))
    for at, method, status in (
        (5, "GET", 503),
        (15, "GET", 503),
        (15, "POST", 0),
        (25, "GET", 200),
    ):
        ledger.http(asked_at=at, at=at, method=method, path="/rooms", status=status)
    for asked_at, at in ((19, 35), (3, 12), (21, 22)):
        ledger.http(asked_at=asked_at, at=at, method="GET", path="/late", status=503)
    assert [(one.at, one.method) for one in ledger.uncalled_for()] == [
        (5, "GET"),
        (15, "POST"),
        (22, "GET"),
    ]


def test_errors_in_logs_are_found_and_forgiven_words_are_not() -> None:
    written = "\n".join(
        [
            '{"level": "info", "message": "Error"}',
            '{"level": "error", "logger": "a", "message": "b"}',
            '{"level": "warning", "message": "c", "trace": "ValueError: x"}',
            "Traceback (most recent call last):",
        ]
    )
    assert len(complaints.complaints(written)) == 3
    assert len(complaints.complaints(written, forgiven=["ValueError"])) == 2


def test_percentiles_are_values_that_came() -> None:
    assert percentile([], 99) == 0.0
    assert percentile([3, 1, 2], 50) == 2
    assert percentile(range(1, 101), 99) == 99


def test_nginx_is_given_the_shipped_configuration() -> None:
    shipped = proxy.SHIPPED.read_text()
    changed = proxy.rendered(shipped, port=1234)
    assert changed.replace("listen 1234 ", "listen 80 ") == shipped
    named = proxy.replicas_named(["127.0.0.1:1", "127.0.0.1:2"]).splitlines()
    assert [line for line in named if "backup" in line and ":2 " in line]
    with pytest.raises(ValueError, match="listen 80"):
        proxy.rendered("", port=1)


def test_a_quantile_is_the_bound_below_which_what_came_meanwhile_lies() -> None:
    before = {0.1: 500.0, 0.2: 500.0, math.inf: 501.0}
    after = {0.1: 590.0, 0.2: 599.0, math.inf: 601.0}
    assert quantile(before, after, 0.5) == 0.1
    assert quantile(before, after, 0.99) == 0.2
    assert quantile(before, after, 1.0) == math.inf
    assert quantile(after, after, 0.5) == math.inf


def outcome(at: str, *results: Result) -> document.Outcome:
    """As `--json` writes it."""
    machine = report.machine() | {"at": at}
    rows = [result.as_json() for result in results]
    told = json.dumps({"front": "nginx", "machine": machine, "rows": rows})
    return dict(json.loads(told))


def test_the_document_has_the_later_of_two_runs_and_says_what_does_not_hold(
    tmp_path: Path,
) -> None:
    gates = [Gate("shown | latest", 0.25, 5.0), Gate("away", 7.0, 5.0), Gate("kills", 3, None, "")]
    early = Result("kill", "replica killed", counts=Counts(acked=1_000, lost=1))
    late = Result("kill", "replica killed", counts=Counts(acked=2_000), gates=gates)
    other = Result("flush", "FLUSHALL", counts=Counts(acked=500))
    runs = [outcome("2026-01-01T00:00:00Z", early, other), outcome("2026-01-02T00:00:00Z", late)]
    lines = document.table(runs, order=["flush", "kill"]).splitlines()
    days = [line[:12] for line in lines if line.startswith("- ")]
    assert days == ["- 2026-01-01", "- 2026-01-02"]
    assert any(line.startswith("Out of 2,500 acked messages: **lost 0,") for line in lines)
    assert lines[-2:] == [
        "| FLUSHALL | 500 |  | holds |",
        "| replica killed | 2,000 | shown \\| latest 0.25 s (<= 5); **away 7 s (<= 5)**; kills 3 "
        "| **fails** |",
    ]
    place = tmp_path / "document.md"
    place.write_text(f"before\n{document.BEGIN}\nold\n{document.END}\nafter\n")
    document.write("new", place=place)
    assert place.read_text() == f"before\n{document.BEGIN}\n\nnew\n\n{document.END}\nafter\n"
    place.write_text("no place\n")
    with pytest.raises(ValueError, match="no place"):
        document.write("new", place=place)
