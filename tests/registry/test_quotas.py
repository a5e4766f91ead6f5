"""What each person may use: defaults, exceptions, what is held and settled, and every refusal."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, select, update
from tests_support.office import DAY, NOON

from tl_core.access.principal import Principal
from tl_core.config import RUN_KINDS, RunConfig
from tl_core.database.tables import activity, quotas, runs, stints, users
from tl_core.errors import AccessError, ConfigError, NotFoundError, QuotaError
from tl_core.registry.quotas import QUOTAS, Quotas, default_quotas, period
from tl_core.registry.scheduling.lane import read_lane
from tl_core.registry.scheduling.oversight import Oversight
from tl_core.settings import Settings, read_settings


def minutes(office, who="ann", of="day"):
    """Used and held."""
    standing = {one.name: one for one in office.quotas().standing(who)}[f"gpu_minutes_{of}"]
    return standing.used, standing.held


def at(*when):
    return datetime(*when, tzinfo=UTC).timestamp()


def test_nothing_limits_by_default(office):
    for _ in range(30):
        office.queue("ann", 0)
    assert {one.limit for one in office.quotas().standing("ann")} == {None}
    office.quotas().require_upload("ann", 1 << 50)
    assert office.quotas().limit("ann", "prediction_rows") is None


def test_defaults_are_read_from_the_setting():
    found = default_quotas(Settings(quotas="running=2, gpu_minutes_day=240,disk_mb=0"))
    assert found == {"running": 2, "gpu_minutes_day": 240, "disk_mb": 0}
    for text in ("runing=2", "running=many", "running=-1", "running", "running=2;queued=3"):
        with pytest.raises(ConfigError, match="TL_QUOTAS holds"):
            default_quotas(Settings(quotas=text))
    with pytest.raises(ConfigError, match="Did you mean running"):
        default_quotas(Settings(quotas="runing=2"))


def test_an_exception_goes_before_the_default_until_it_is_taken_back(office, allow):
    allow("running=2,queued=7")
    desk = office.desk()

    def limit(who):
        return office.quotas().limit(who, "running")

    assert (limit("ann"), limit("bob")) == (2, 2)
    desk.set_quota("h-ann", "running", 5)
    assert (limit("ann"), limit("bob")) == (5, 2)
    desk.set_quota("ann", "running", 0)
    assert (limit("ann"), limit("bob")) == (None, 2)
    assert {one.name: (one.limit, one.own) for one in desk.standing("ann")}["running"] == (
        None,
        True,
    )
    desk.set_quota("ann", "running", None)
    assert limit("ann") == 2 and office.quotas().limit("ann", "queued") == 7


def test_administrators_alone_set_quotas_and_that_is_logged(office):
    for who in (Principal("ann", "h-ann"), Principal("root", role="admin", scopes=frozenset())):
        with pytest.raises(AccessError):
            office.desk(who).set_quota("ann", "running", 5)
    with pytest.raises(AccessError):
        office.desk(Principal("ann", "h-ann")).standing("bob")
    assert len(office.desk(Principal("ann", "h-ann")).standing("ann")) == len(QUOTAS)
    with pytest.raises(AccessError):
        office.desk(Principal("ann", "h-ann")).people()
    assert office.desk().people() == ["h-ann", "h-bob"]
    office.desk().set_quota("ann", "running", 5)
    with office.engine.connect() as connection:
        row = connection.execute(select(activity).where(activity.c.action == "set quota")).one()
        assert connection.execute(select(quotas.c.set_by)).scalar() == "root"
    assert (row.actor, row.object, row.detail) == ("root", "ann", {"name": "running", "value": 5})


@pytest.mark.parametrize(
    ("person", "name", "value", "error"),
    [
        ("ann", "runing", 1, "Did you mean running"),
        ("ann", "running", -1, "cannot be a quota"),
        ("ann", "running", 1 << 60, "cannot be a quota"),
        ("ana", "running", 1, "Did you mean"),
    ],
)
def test_what_cannot_be_set_is_refused(office, person, name, value, error):
    with pytest.raises((ConfigError, NotFoundError)) as caught:
        office.desk().set_quota(person, name, value)
    assert error in str(caught.value)


def test_too_many_waiting_runs_are_refused_and_leave_nothing(office, allow):
    allow("queued=2")
    made = [office.queue("ann"), office.queue("ann")]
    folders = sorted((office.home / "runs").iterdir())
    with pytest.raises(QuotaError) as caught:
        office.queue("ann")
    assert "2 waiting runs" in caught.value.why and caught.value.try_this
    assert sorted((office.home / "runs").iterdir()) == folders
    office.queue("bob")
    office.queue("ann", kind="import", recipe="", source="x.csv", name="m")  # counted apart
    office.next()
    made.append(office.queue("ann"))
    office.store("ann").cancel(made[2])
    made.append(office.queue("ann"))
    with pytest.raises(QuotaError):
        office.store("ann").resume(made[2])
    assert office.store("ann").get(made[2]).status == "cancelled"


def test_the_same_draft_again_is_no_further_run(office, allow):
    allow("queued=1")
    config = RunConfig("train", "ann", "d@1", "", "starter:text", "probe")
    first = office.store("ann").create(config, draft="one")
    assert office.store("ann").create(config, draft="one").id == first.id
    with pytest.raises(QuotaError):
        office.store("ann").create(config, draft="two")


def test_many_at_once_do_not_get_past_the_limit(office, allow):
    allow("queued=3,gpu_minutes_day=45")
    done, threads = [], []

    def ask():
        try:
            done.append(office.search("ann", 15))
        except QuotaError:
            done.append(None)

    for _ in range(8):
        threads.append(threading.Thread(target=ask))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 8 and sum(run is not None for run in done) == 3
    assert minutes(office) == (0, 45)


def test_who_has_enough_running_waits(office, allow):
    allow("running=1")
    first, second, third = office.queue("ann"), office.queue("ann"), office.queue("bob")
    assert [office.next() for _ in range(3)] == [first, third, None]
    office.writer.finish(first, "done")
    assert office.next() == second


def test_minutes_are_held_when_queued_and_settled_at_the_end(office, allow):
    allow("gpu_minutes_day=100")
    run = office.search("ann", 60)
    assert minutes(office) == (0, 60) == minutes(office, of="month")
    assert office.next() == run
    office.clock.go(20)
    assert minutes(office) == (20, 40)
    office.clock.go(5)
    office.writer.finish(run, "done")
    assert minutes(office) == (25, 0) == minutes(office, of="month")
    assert minutes(office, "bob") == (0, 0)
    office.search("ann", 75)
    with pytest.raises(QuotaError) as caught:
        office.search("ann", 1)
    assert caught.value.code == "quota" and "left today" in caught.value.what
    for part in ("100 a day", "25 are used", "75 are held", "expected to take 1."):
        assert part in caught.value.why
    assert "midnight (UTC)" in caught.value.try_this


@pytest.mark.parametrize("way", ["cancelled waiting", "cancelled", "killed", "failed"])
def test_what_is_held_is_given_back_however_a_run_ends(office, allow, way):
    allow("gpu_minutes_day=60")
    run = office.search("ann", 60)
    if way != "cancelled waiting":
        office.next()
        office.clock.go(10)
        office.writer.beat(run, 0.1)
    if way.startswith("cancelled"):
        office.store("ann").cancel(run)
    if way == "killed":
        office.writer.hand_over(run, 2**30, 1.0)
        office.clock.go(30)
        assert office.store("ann").get(run).status == "interrupted"
    elif way != "cancelled waiting":
        office.writer.finish(run, way)
    used = 0 if way == "cancelled waiting" else 10
    assert minutes(office) == (used, 0)
    office.search("ann", 60 - used)
    with pytest.raises(QuotaError):
        office.search("ann", 1)


def test_resuming_holds_anew(office, allow):
    allow("gpu_minutes_day=100")
    run = office.search("ann", 60)
    office.next()
    office.clock.go(50)
    office.writer.finish(run, "failed")
    with pytest.raises(QuotaError):
        office.store("ann").resume(run)  # 60 more, with 50 left
    assert office.store("ann").get(run).status == "failed" and minutes(office) == (50, 0)
    office.desk().set_quota("ann", "gpu_minutes_day", 110)
    assert office.store("ann").resume(run).status == "queued" and minutes(office) == (50, 60)


def test_a_run_of_unknown_duration_holds_what_is_left(office, allow, monkeypatch):
    allow("gpu_minutes_day=50")
    office.queue("ann", 0)
    assert minutes(office) == (0, 30)  # half an hour is held where nothing is known
    monkeypatch.setenv("TL_RUN_MINUTES", "40")
    office.queue("ann", 0)
    assert minutes(office) == (0, 50)
    with pytest.raises(QuotaError, match="this run needs some"):
        office.queue("ann", 0)
    office.queue("bob", 0)
    assert minutes(office, "bob") == (0, 40)


def test_what_its_like_took_is_what_is_held(office):
    for length in (3, 9, 4):
        office.work("bob", length)
    office.queue("ann", 0)
    assert minutes(office) == (0, 4)  # the median, of everybody's
    office.queue("ann", 0, recipe="baseline")
    assert minutes(office) == (0, 34)


def test_an_estimate_of_the_same_settings_is_what_is_held(office):
    office.work("bob", 3)
    for epochs, told in ((10.0, 12.5), (20.0, 50.0)):
        run = office.queue("ann", 0, kind="preflight", recipe="finetune", epochs=epochs)
        assert office.next("light") == run
        office.clock.go(1)
        office.writer.finish(run, "done", summary={"minutes": told})
    _, before = minutes(office)
    office.queue("ann", 0, recipe="finetune", epochs=10.0)
    assert minutes(office)[1] == before + 12.5


def test_a_search_does_not_change_what_is_known_of_the_recipe_that_it_chose(office):
    office.work("ann", 2)
    run = office.search("ann", 60)
    office.next()
    office.clock.go(60)
    office.writer.became(run, "probe", "starter:text")
    office.writer.finish(run, "done")
    _, before = minutes(office)
    office.queue("ann", 0)
    assert minutes(office)[1] == before + 2


def test_several_gpus_count_several_times(office, allow):
    allow("gpu_minutes_day=100")
    run = office.queue("ann", 0, recipe="finetune", processes=2)
    assert minutes(office) == (0, 60)
    office.next()
    office.clock.go(10)
    office.writer.finish(run, "done")
    assert minutes(office) == (20, 0)


def test_what_no_network_computes_is_not_metered(office, allow):
    allow("gpu_minutes_day=1")
    run = office.queue("ann", 0, kind="import", recipe="", source="x.csv", name="m")
    office.next("light")
    office.clock.go(10)
    office.writer.finish(run, "done")
    assert minutes(office) == (0, 0)
    free = {name for name, kind in RUN_KINDS.items() if not kind.metered}
    assert free == {"import", "fix", "takeout", "export", "push"}


def test_a_run_over_midnight_counts_in_each_day_and_month_with_its_part(office):
    office.clock.now = at(2026, 3, 31, 23, 30)
    run = office.search("ann", 120)
    office.next()
    office.clock.go(29)
    assert minutes(office) == (29, 91) == minutes(office, of="month")
    office.clock.go(11)
    assert minutes(office) == (10, 80) == minutes(office, of="month")  # of April
    office.clock.go(20)
    office.writer.finish(run, "done")
    assert minutes(office) == (30, 0)
    office.clock.go(24 * 60)
    assert (minutes(office), minutes(office, of="month")) == ((0, 0), (30, 0))


@pytest.mark.parametrize(
    ("name", "when", "begin", "end"),
    [
        ("day", (2026, 3, 10, 12, 30), (2026, 3, 10), (2026, 3, 11)),
        ("day", (2026, 12, 31, 23, 59), (2026, 12, 31), (2027, 1, 1)),
        ("month", (2026, 3, 10), (2026, 3, 1), (2026, 4, 1)),
        ("month", (2026, 12, 31, 23), (2026, 12, 1), (2027, 1, 1)),
        ("month", (2028, 2, 29), (2028, 2, 1), (2028, 3, 1)),
        ("month", (2026, 1, 31), (2026, 1, 1), (2026, 2, 1)),
    ],
)
def test_days_and_months_are_those_of_utc(name, when, begin, end):
    assert period(name, at(*when)) == (at(*begin), at(*end))
    assert period(name, at(*begin)) == (at(*begin), at(*end))


def test_who_has_used_up_their_minutes_waits_for_midnight(office, allow):
    allow("gpu_minutes_day=60")
    first, second = office.search("ann", 30), office.search("ann", 30)
    assert office.next() == first
    office.clock.go(70)
    office.writer.finish(first, "done")
    assert office.next() is None
    waiting = office.store("ann").waiting(second)
    assert (waiting.minutes, waiting.starts) == (True, None) and "GPU minutes" in waiting.words
    office.queue("ann", 0, kind="import", recipe="", source="x.csv", name="m")
    assert office.next("light")  # which is not metered
    office.clock.now = NOON + DAY / 2
    assert office.store("ann").waiting(second).starts == office.clock()
    assert office.next() == second


def test_a_person_on_a_computer_without_sign_in_is_named_by_the_setting(engine, home):
    alone = Oversight(engine, Principal("local", "local", role="admin"), read_settings())
    assert alone.people() == ["local"]
    alone.set_quota("local", "queued", 3)
    assert Quotas(engine, read_settings()).limit("local", "queued") == 3
    with pytest.raises(NotFoundError):
        alone.set_quota("bob", "queued", 3)


def test_what_is_handed_over_counts_for_who_has_the_slot(office):
    run = office.search("ann", 30)
    with office.engine.begin() as connection:
        connection.execute(runs.update().values(owner="bob"))
    office.next()
    office.clock.go(10)
    office.writer.finish(run, "done")
    assert (minutes(office)[0], minutes(office, "bob")[0]) == (0, 10)


def test_a_refused_run_tells_what_to_try(office, allow):
    allow("gpu_minutes_month=10")
    with pytest.raises(QuotaError) as caught:
        office.search("ann", 11)
    told = caught.value.as_dict()
    assert told["what"] == "There are too few GPU minutes left this month."
    assert "next month" in told["try_this"] and "administrator" in told["try_this"]
    assert minutes(office, of="month") == (0, 0)


def test_who_has_used_up_their_minutes_is_one_query_however_many_there_are(office, allow):
    people = [f"p{number}" for number in range(8)]
    for who in people[:3]:
        office.work(who, 40)
    allow("gpu_minutes_day=30,gpu_minutes_month=100")
    asked = []
    event.listen(office.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with office.engine.connect() as connection:
        found = office.quotas().used_up(connection, people)
    assert {who: of for who, (of, _) in found.items()} == dict.fromkeys(people[:3], "day")
    assert {who: over for who, (_, over) in found.items()} == dict.fromkeys(people[:3], 600.0)
    assert len([text for text in asked if "FROM stints" in text]) == 1


def test_a_person_is_found_by_id_though_another_is_called_so(office):
    with office.engine.begin() as connection:
        connection.execute(update(users).where(users.c.id == "bob").values(handle="ann"))
    office.desk().set_quota("ann", "running", 5)
    limits = {who: office.quotas().limit(who, "running") for who in ("ann", "bob")}
    assert limits == {"ann": 5, "bob": None}


def test_whoever_waits_for_next_month_has_no_month_read_each_time(office, allow):
    for _ in range(5):
        office.work("bob", 5)
    office.work("ann", 61)
    barred = office.queue("ann", 0, kind="preflight")
    allow("gpu_minutes_month=60")
    assert office.next("light") is None
    with office.engine.begin() as connection:  # it has waited for two weeks
        past = NOON - 14 * DAY
        connection.execute(update(runs).where(runs.c.id == barred).values(queued=past))
        connection.execute(update(stints).values(lane="light"))
        connection.execute(
            update(stints).where(stints.c.owner == "bob").values(started=past, ended=past + 300)
        )
    with office.engine.connect() as connection:
        now, quotas = office.clock(), office.quotas()
        lane = read_lane(connection, "light", quotas, read_settings(), now)
    assert [run.run for run in lane.barred] == [barred] and "bob" not in lane.stints
