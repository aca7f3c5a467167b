"""What an ERP's answers over HTTP mean. No database takes part."""

import threading

import pytest
from http_erp import Answer, http_erp

from factolake.mes.exchange.http_port import HttpErp
from factolake.mes.exchange.ports import Accepted, Message, Refused, SendResult, Unavailable


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ((201, {}, b'{"document": "4900001"}'), Accepted("4900001")),
        ((200, {}, b"thanks"), Accepted()),
        ((204, {}, b""), Accepted()),
        ((422, {}, b'{"field": "quantity", "message": "too much"}'), Refused("quantity", "too much")),
        ((409, {}, b"<html>"), Refused("", "the ERP answers 409 Conflict")),
        ((422, {}, b'["x"]'), Refused("", "the ERP answers 422 Unprocessable Entity")),
        ((503, {}, b""), Unavailable("the ERP answers 503 Service Unavailable")),
        ((401, {}, b""), Unavailable("the ERP answers 401 Unauthorized")),
        ((429, {}, b""), Unavailable("the ERP answers 429 Too Many Requests")),
        ((302, {"Location": "http://127.0.0.1:1/elsewhere"}, b""), Unavailable("the ERP answers 302 Found")),
    ],
)
def test_an_answer_over_http_means_taken_refused_or_later(answer: Answer, result: SendResult) -> None:
    with http_erp(lambda headers, body: answer) as url:
        assert HttpErp("erp", url).send(Message(1, "key", {"good": "1"})) == result


def test_an_http_erp_that_is_not_there_or_slow_is_unavailable() -> None:
    assert isinstance(HttpErp("erp", "http://127.0.0.1:9/").send(Message(1, "k", {})), Unavailable)
    gate = threading.Event()
    with http_erp(lambda headers, body: (200, {}, b"{}") if gate.wait(5) else (500, {}, b"")) as url:
        assert isinstance(HttpErp("erp", url, timeout_s=0.2).send(Message(1, "k", {})), Unavailable)
        gate.set()
    with pytest.raises(ValueError, match="begins with http"):
        HttpErp("erp", "file:///etc/passwd")
