"""What every command has in common: its help, and one clear sentence for what its user can put right."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from resources.entry_points import installed_entry_points

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"])
REVIEWS = [
    "ack", "assign", "list", "outcome", "reopen", "resolve", "retrain", "serve", "show", "snooze", "summary",
]  # fmt: skip


def typed(line: str) -> Result:
    """What comes of typing ``line``: the command runs in this process."""
    script, *arguments = line.split()
    command = installed_entry_points("feature_pipelines")[script]()
    return CliRunner().invoke(command, arguments, prog_name=script)


def refused(line: str, *, code: int) -> str:
    """The error that comes of typing ``line``, on one line; there is no stack trace, and nothing on standard output."""
    result = typed(line)
    assert (result.exit_code, result.stdout) == (code, "")
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_says_what_the_command_does(script: str) -> None:
    shown = typed(f"{script} --help")

    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: {script} ")
    assert len(shown.output.splitlines()[2].strip()) > 20


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_has_an_example_to_copy(script: str) -> None:
    examples = [
        line
        for line in typed(f"{script} --help").output.splitlines()
        if line.startswith(("  " + script, "    " + script))
    ]

    assert examples


@pytest.mark.parametrize(
    "command", [*(one for one in SCRIPTS if one != "review-alerts"), *(f"review-alerts {one}" for one in REVIEWS)]
)
def test_every_command_takes_the_place_of_its_tables_and_the_moment_as_of_which_it_runs(command: str) -> None:
    shown = typed(f"{command} --help")

    assert shown.exit_code == 0
    for option in ("--catalog NAME", "--schema NAME", "--as-of MOMENT", "--workspace DIRECTORY"):
        assert option in shown.output


def test_review_alerts_lists_its_commands() -> None:
    listed = typed("review-alerts --help").output.split("Commands:")[1]

    assert [line.split()[0] for line in listed.strip().splitlines()] == REVIEWS


@pytest.mark.parametrize(
    "line",
    [
        "ingest-sources",
        "publish-features",
        "train-model flight_delay",
        "score-batch flight_delay",
        "check-consistency flight_delay",
        "check-drift flight_delay",
        "review-alerts list",
        "show-features",
        "write-catalog",
        "show-lineage flights",
        "run-job publish_features",
    ],
)
def test_a_moment_in_another_form_is_refused_with_the_forms_there_are(line: str) -> None:
    assert refused(f"{line} --as-of yesterday", code=2).endswith(
        "Error: Invalid value for '--as-of': 'yesterday' is not a moment. Write a date (2013-07-01) or a time "
        "(2013-07-01T06:00, UTC unless it says otherwise: 2013-07-01T06:00-04:00)."
    )


@pytest.mark.parametrize(
    "line",
    [
        "ingest-sources",
        "publish-features",
        "train-model flight_delay",
        "score-batch flight_delay",
        "check-consistency flight_delay",
        "check-drift flight_delay",
        "review-alerts list",
        "show-features",
        "write-catalog",
        "show-lineage flights",
    ],
)
def test_a_workspace_that_cannot_be_written_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "a_file").touch()

    told = refused(f"{line} --workspace {tmp_path}/a_file/below", code=1)

    assert told.startswith(f"Error: The workspace {tmp_path}/a_file/below cannot be written: ")
    assert told.endswith("Choose another with --workspace.")


def test_a_workspace_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a_file").touch()

    told = refused(f"ingest-sources --workspace {tmp_path}/a_file", code=2)

    assert told.endswith(f"Directory '{tmp_path}/a_file' is a file.")
    assert (tmp_path / "a_file").read_bytes() == b""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ingest-sources flight", "No sources are declared in features/flight/. Did you mean flights?"),
        (
            "publish-features origin_congestio",
            "There is no feature table 'origin_congestio'. Did you mean origin_congestion",
        ),
        ("train-model flight_delays", "There is no model 'flight_delays'. Did you mean flight_delay?"),
        ("score-batch fligt_delay", "There is no scored population 'fligt_delay'. Did you mean flight_delay?"),
        ("check-consistency fligt_delay", "There is no scored population 'fligt_delay'. Did you mean flight_delay?"),
        ("check-drift flight-delay", "There is no monitor 'flight-delay'. Did you mean flight_delay or flights?"),
        ("run-job replai", "Did you mean replay?"),
    ],
)
def test_an_unknown_name_is_refused_with_the_closest_ones_and_no_workspace_is_made(
    line: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)

    code = 2 if line.startswith("run-job") else 1
    assert told in refused(f"{line} --workspace {tmp_path}/new", code=code)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "line", ["publish-features airport_weather", "score-batch flight_delay", "check-consistency flight_delay"]
)
def test_a_window_that_ends_before_it_begins_is_refused(line: str, tmp_path: Path) -> None:
    told = refused(f"{line} --from 2013-08-01 --until 2013-07-01 --workspace {tmp_path}/new", code=1)

    assert told == "Error: --from 2013-08-01 00:00 is not before --until 2013-07-01 00:00."
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "train-model flight_delay --catalog ../up",
            "'../up' cannot be the name of a catalog: use letters, digits, '_' and '-' only.",
        ),
        (
            "score-batch flight_delay --schema a.b",
            "'a.b' cannot be the name of a schema: use letters, digits, '_' and '-' only.",
        ),
    ],
)
@pytest.mark.usefixtures("spark")
def test_a_catalog_or_schema_that_could_lead_out_of_the_workspace_is_refused(
    line: str, told: str, tmp_path: Path
) -> None:
    assert told in refused(f"{line} --workspace {tmp_path}/new", code=1)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "publish-features airport_weather",
            "There is no table dev.flights.weather. The schema is empty: run ingest-sources first, or name another --workspace, --catalog or --schema.",
        ),
        (
            "train-model flight_delay",
            "There is no table dev.flights.flights. The schema is empty: run ingest-sources first, or name another --workspace, --catalog or --schema.",
        ),
        (
            "score-batch flight_delay",
            "Model dev.flights.flight_delay has no champion: it was never trained. Run train-model flight_delay.",
        ),
        (
            "check-consistency flight_delay",
            "There is no score table dev.flights.flight_delay_scores. Run score-batch flight_delay.",
        ),
        ("show-lineage flights", "Nothing in dev.flights is called 'flights'. There are: none."),
    ],
)
@pytest.mark.usefixtures("spark")
def test_in_an_empty_workspace_every_command_says_what_is_missing(
    line: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    assert refused(f"{line} --workspace {tmp_path}/new", code=1) == f"Error: {told}"
