"""What a replay makes of a file, and of what was seen of it."""

from chat.replay import cast, log, report

FILE = """\
=== L0sT [~waa3@raptor.example]  has joined #ubuntu
[23:58] <will> best media player: VLC
[23:58] <|QuaD-> will: totem has caused me no troubles
[23:59] <silvernode>   \t
[23:59]  * unperson sits and listens
[00:01] <will> one \x85 line \x0b still\r
[00:01] <M1dn1ght> nul \0 here
=== will is now known as bill
no form at all

[00:02] <m1dn1ght> > quoted <b>
"""


def read(content: str = FILE, text_max: int = 10_000) -> log.Log:
    return log.read("2004-12-25", content, text_max=text_max)


def test_reads_what_people_said() -> None:
    said = read()
    assert [(line.number, line.minute, line.nick, line.text) for line in said.lines] == [
        (2, 1438, "will", "best media player: VLC"),
        (3, 1438, "|QuaD-", "will: totem has caused me no troubles"),
        (5, 1439, "unperson", "_sits and listens_"),
        (6, 1, "will", "one \x85 line \x0b still"),
        (7, 1, "M1dn1ght", "nul \ufffd here"),
        (11, 2, "m1dn1ght", "> quoted <b>"),
    ]


def test_counts_what_nobody_said() -> None:
    said = read()
    assert (said.system, said.blank, said.shortened, said.unread) == (2, 1, 0, (9,))


def test_cuts_texts_that_are_too_long() -> None:
    said = read(text_max=5)
    assert said.lines[0].text == "best "
    assert said.shortened == 6


def test_an_empty_file_says_nothing() -> None:
    said = read("")
    assert (said.lines, log.due_s(said.lines)) == ((), [])


def test_spreads_the_lines_of_a_minute_and_goes_past_midnight() -> None:
    assert log.due_s(read().lines) == [0.0, 30.0, 60.0, 180.0, 210.0, 240.0]


def test_ids_depend_on_room_file_line_and_words_only() -> None:
    first, second = read(), read()
    ids = [log.message_id(first, line, room="r") for line in first.lines]
    assert ids == [log.message_id(second, line, room="r") for line in second.lines]
    assert len(set(ids)) == len(ids)
    assert not set(ids) & {log.message_id(first, line, room="s") for line in first.lines}


def test_every_nick_has_a_username_of_its_own() -> None:
    nicks = ["will", "zcat[1]", "zcat{1}", "zcat|1", "g", "ThE-LiGhT", "x" * 60, "|QuaD-", "Quad"]
    people = cast.cast(nicks)
    for names in ([p.username for p in people.values()], [p.email for p in people.values()]):
        assert len(set(names)) == len(nicks)
    assert people["will"].username == "will"
    assert people["the-light"].username == "the-light"
    for person in people.values():
        for name in (person.username, person.spare):
            assert 2 <= len(name) <= 32
            assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


def test_nicks_that_differ_in_case_are_one_person() -> None:
    people = cast.cast(["M1dn1ght", "m1dn1ght"])
    assert [person.nick for person in people.values()] == ["M1dn1ght"]


def sent(*, race: bool = False) -> report.Sent:
    order = ["a1", "b1", "a2", "b2"]
    return report.Sent(
        order=order,
        owner={one: one[0] for one in order},
        text={one: f"text {one}" for one in order},
        race=race,
        acked=dict.fromkeys(order, False),
    )


def seen(*ids: str) -> report.Seen:
    return report.Seen(ids, {one: f"text {one}" for one in ids})


ALL = ("a1", "b1", "a2", "b2")


def compare(
    told: report.Sent, watcher: report.Seen, logged: report.Seen, seqs: range | list[int]
) -> report.Figures:
    return report.compare(told, watchers=[seen(*ALL), watcher], log=logged, seqs=seqs)


def test_nothing_is_wrong_when_all_was_seen_in_order() -> None:
    figures = compare(sent(), seen("x", *ALL), seen("x", *ALL), range(1, 6))
    assert (figures.sent, figures.received, figures.wrong) == (4, 4, 0)


def test_an_acknowledged_line_that_a_watcher_never_saw_is_lost() -> None:
    figures = compare(sent(), seen("a1", "b1", "b2"), seen(*ALL), range(1, 5))
    assert (figures.received, figures.lost, figures.wrong) == (3, 1, 1)


def test_an_acknowledged_line_that_the_log_does_not_hold_is_lost() -> None:
    figures = compare(sent(), seen(*ALL), seen("a1", "b1", "a2"), range(1, 4))
    assert figures.lost == 1


def test_a_line_that_was_there_already_is_owed_by_the_log_only() -> None:
    told = sent()
    told.acked["a1"] = True
    figures = report.compare(told, watchers=[seen("b1", "a2", "b2")], log=seen(*ALL), seqs=[])
    assert (figures.sent, figures.already, figures.wrong) == (3, 1, 0)


def test_a_line_seen_again_is_twice() -> None:
    figures = compare(sent(), seen("a1", "b1", "a1", "a2", "b2"), seen(*ALL), range(1, 5))
    assert (figures.twice, figures.out_of_order) == (1, 0)


def test_a_line_seen_late_is_out_of_order() -> None:
    figures = compare(sent(), seen("b1", "a1", "a2", "b2"), seen(*ALL), range(1, 5))
    assert figures.out_of_order == 1


def test_in_a_race_only_each_persons_order_counts() -> None:
    figures = compare(sent(race=True), seen("b1", "b2", "a1", "a2"), seen(*ALL), range(1, 5))
    assert figures.out_of_order == 0
    figures = compare(sent(race=True), seen("b2", "b1", "a1", "a2"), seen(*ALL), range(1, 5))
    assert figures.out_of_order == 1


def test_a_text_that_came_out_otherwise_is_changed() -> None:
    watcher = report.Seen(ALL, {one: "other" if one == "b2" else f"text {one}" for one in ALL})
    assert compare(sent(), watcher, seen(*ALL), range(1, 5)).changed == 1


def test_a_seq_that_is_missing_is_a_hole() -> None:
    assert compare(sent(), seen(*ALL), seen(*ALL), [1, 2, 4, 5, 7]).holes == 2


def test_what_was_not_sent_is_left_and_not_lost() -> None:
    told = sent()
    del told.acked["b2"]
    told.refused["a2"] = "validation_failed"
    del told.acked["a2"]
    figures = report.compare(told, watchers=[], log=seen("a1", "b1"), seqs=[1, 2])
    assert (figures.left, figures.refused, figures.lost) == (1, 1, 0)
    assert figures.wrong == 1


def test_percentiles_are_values_that_were_measured() -> None:
    assert report.percentile([], 0.99) == 0.0
    assert report.percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert report.percentile(range(1, 101), 0.99) == 99


def test_files_add_up() -> None:
    rows = [report.Figures(name="a", lines=3, lost=1), report.Figures(name="b", lines=4)]
    summed = report.total(rows)
    assert (summed.name, summed.lines, summed.lost) == ("all", 7, 1)
