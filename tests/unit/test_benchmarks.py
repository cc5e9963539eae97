"""What is measured is judged rightly, and a run that lost, doubled or mixed anything is refused."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import picows
import pytest

from benchmarks import book, capacity, dialects, driver, row


@dataclass
class Frame:
    """As picows hands one on."""

    payload: bytes
    msg_type: Any = picows.WSMsgType.TEXT

    def get_payload_as_bytes(self) -> bytes:
        return self.payload


def event(number: int) -> Frame:
    return Frame(dialects.DIALECTS["relay"].said("room", dialects.text_of(number, 120)))


async def two_sockets(sent: int) -> tuple[driver.Run, driver.Log, list[driver.Socket]]:
    run = driver.Run({"dialect": "relay", "rooms": [], "urls": []})
    log = driver.Log("room", sockets=2)
    run.logs.append(log)
    run.sent_at = [0.0] * sent
    run.sent_from = [0] * sent
    return run, log, [driver.Socket(run, log, server=0, is_sampled=False) for _ in range(2)]


async def test_a_message_is_complete_once_every_socket_has_it() -> None:
    run, log, (one, other) = await two_sockets(1)
    heard = event(0)
    one.on_ws_frame(None, heard)
    assert (run.complete, log.arrived) == (0, [1])
    other.on_ws_frame(None, heard)
    assert (run.complete, log.arrived) == (1, [2])


@pytest.mark.parametrize(("heard", "wrong"), [([], 1), ([0], 0)])
async def test_another_order_a_hole_or_a_double_ends_the_run(heard: list[int], wrong: int) -> None:
    _, _, (one, other) = await two_sockets(2)
    frames = event(0), event(1)
    for frame in frames:
        one.on_ws_frame(None, frame)
    for number in heard:
        other.on_ws_frame(None, frames[number])
    with pytest.raises(SystemExit, match="another event at place"):
        other.on_ws_frame(None, frames[wrong])


def test_what_arrived_must_be_what_was_sent() -> None:
    run = driver.Run({"dialect": "relay", "rooms": [], "urls": []})
    log = driver.Log("room", sockets=1)
    run.logs.append(log)
    run.sent_at = [0.0, 0.0]
    for frame in (event(0), event(0)):
        log.first_heard(frame.payload)
    mark = {
        "at": 0.0, "deliveries": 0, "complete": 0, "acked": 0, "processor": {}, "own": 0.0,
        "machine": 0.0,
    }  # fmt: skip
    with pytest.raises(SystemExit, match="does not count"):
        driver._figures(run, mark, mark | {"at": 1.0})


def test_peers_are_given_events_as_large_as_ours() -> None:
    sizes = {
        name: len(dialect.said("6" * 24, dialects.text_of(7, 120)))
        for name, dialect in dialects.DIALECTS.items()
        if name != "parley"
    }
    assert max(sizes.values()) - min(sizes.values()) < 20
    assert 680 < sizes["relay"] < 720  # ours have 693 to 701


@pytest.mark.parametrize(
    ("values", "holds"), [([1.0, 3.0, 4.0], True), ([1.0, 2.9, 9.0], False), ([3.0], True)]
)
def test_a_line_is_held_by_the_median(values: list[float], holds: bool) -> None:
    assert row.line("x", values, "x", least=3.0).holds is holds
    assert row.line("x", [-v for v in values], "x", most=-3.0).holds is holds


def test_a_row_that_failed_does_not_hold() -> None:
    assert row.Row("a", "b", []).holds
    assert not row.Row("a", "b", [], failed="no figure").holds


def test_a_row_comes_back_from_its_json() -> None:
    one = row.Row("a", "b", [row.line("x", [1.0, 2.0], "ms", most=1.0)], {"runs": [1]})
    assert row.read(one.as_json()) == one


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before {book.BEGIN} old {book.END} after")
    for _ in range(2):
        book.replace(page, "made")
    assert page.read_text() == f"before {book.BEGIN}\n\nmade\n{book.END} after"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="no marks"):
        book.replace(page, "made")


@pytest.mark.parametrize("page", ["performance.md", "capacity.md"])
def test_the_docs_have_their_marks(page: str) -> None:
    text = (book.DOCS / page).read_text()
    assert text.count(book.BEGIN) == text.count(book.END) == 1


def test_the_page_counts_the_lines_of_its_table_right() -> None:
    text = (book.DOCS / "performance.md").read_text()
    made = text.partition(book.BEGIN)[2].partition(book.END)[0]
    hold, missed = made.count("| holds |"), made.count("| **missed** |")
    said = f"Of the {hold + missed} lines that the table sets, {hold} hold and {missed} are missed"
    assert said in text


def test_a_million_sockets_are_reckoned_from_what_was_measured() -> None:
    known = capacity.Measured(
        deliveries_per_s=250_000, append_us=200, heard_us=100, stored_per_s=2_000, socket_kib=32,
        idle_share=0.05 / 5_000, frame_bytes=700, arrivals_per_s=500,
    )  # fmt: skip
    page = capacity._page(known)
    # 2,778 messages/s to 50 each: 0.6 cores; stored: 0.6; heard by 25: 6.9; silent: 10.
    assert "| replicas by that, 50% of a core each | 37 |" in page
    assert "| replicas by memory, 4 GiB each | 8 |" in page
    assert "| replicas for everybody to be back in 60 s | 34 |" in page
    assert "| **replicas (one core each)** | **37** |" in page
    assert capacity.measured({}) is None
