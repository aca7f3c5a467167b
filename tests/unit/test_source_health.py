from datetime import UTC, datetime, timedelta

from factolake.edge.health import SourceHealth, SourceState, read_health, write_health

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
HEALTH = SourceHealth("src", SourceState.CONNECTED, NOW - timedelta(minutes=50), "connected", NOW - timedelta(minutes=40), NOW, values=7, nodes=200)


def test_health_is_read_back_as_written(tmp_path):
    write_health(tmp_path, HEALTH, NOW)
    (found,) = read_health(tmp_path).values()
    assert found.written_ts == NOW
    assert (found.state, found.since, found.last_value_ts, found.values) == (HEALTH.state, HEALTH.since, HEALTH.last_value_ts, 7)
    assert [file.name for file in (tmp_path / "health").iterdir()] == ["src.json"]


def test_a_broken_file_hides_only_itself(tmp_path):
    write_health(tmp_path, HEALTH, NOW)
    (tmp_path / "health" / "other.json").write_text("{")
    assert list(read_health(tmp_path)) == ["src"]
    assert read_health(tmp_path / "nowhere") == {}


def test_a_quiet_machine_a_closed_session_and_a_dead_gateway_read_differently(tmp_path):
    write_health(tmp_path, HEALTH, NOW)
    quiet = read_health(tmp_path)["src"]
    assert quiet.words(NOW) == "connected for 50 min, 200 nodes, no change for 40 min"
    assert quiet.words(NOW + timedelta(minutes=5)).startswith("the gateway has not reported for 5 min")
    closed = SourceHealth("src", SourceState.DISCONNECTED, NOW - timedelta(seconds=40), "opc.tcp://x does not answer", written_ts=NOW)
    assert closed.words(NOW) == "disconnected for 40 s: opc.tcp://x does not answer"
