from flask.testing import FlaskClient


def test_the_service_is_ready_when_its_servers_answer(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"status": "ready", "database": "ok", "redis": "ok"}
