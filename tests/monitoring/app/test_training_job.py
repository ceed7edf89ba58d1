"""The app asks the platform's job for a new model: a real server answers as the Jobs API does."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from monitoring.app.job import TrainingFailed, run_job

AS_OF = datetime(2024, 1, 1, tzinfo=UTC)


class Platform:
    """Answers ``run-now`` and ``runs/get``; ``result`` is how each run ends."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.result = "SUCCESS"
        platform = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                platform.asked.append((self.path.rpartition("/")[2], json.loads(body)))
                self.answer({"run_id": 7})

            def do_GET(self) -> None:
                state = {"life_cycle_state": "TERMINATED", "result_state": platform.result, "state_message": "a gate"}
                self.answer(
                    {"run_id": 7, "state": state, "run_page_url": "http://there/7"} if "runs/get" in self.path else {}
                )

            def answer(self, data: object) -> None:
                text = json.dumps(data).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """The workspace that the environment names."""
    found = Platform()
    threading.Thread(target=found.server.serve_forever, daemon=True).start()
    monkeypatch.setenv("DATABRICKS_HOST", f"http://127.0.0.1:{found.server.server_port}")
    monkeypatch.setenv("DATABRICKS_TOKEN", "none")
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_the_job_is_run_once_as_of_the_same_moment(platform: Platform) -> None:
    run_job(12, as_of=AS_OF)
    assert platform.asked == [("run-now", {"job_id": 12, "job_parameters": {"as_of": "2024-01-01T00:00:00+00:00"}})]


def test_a_run_that_does_not_succeed_is_told_with_its_page(platform: Platform) -> None:
    platform.result = "FAILED"
    with pytest.raises(TrainingFailed, match=r"Job 12 was not run to its end|Run 7 of job 12 did not succeed"):
        run_job(12, as_of=AS_OF)
