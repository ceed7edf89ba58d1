"""Who may come in: nobody from elsewhere without saying who they are."""

import pytest
from click.testing import CliRunner
from playwright.sync_api import expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from feature_store.errors import Misuse
from monitoring.app.settings import Settings, check_exposure
from monitoring.review import main
from tests.monitoring.app.conftest import IDS, Reviewer, serving

TOKEN = "a secret of the house"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--address", "0.0.0.0"],
            "The page is not served on 0.0.0.0 without knowing who reviews: add --identity header",
        ),
        (["--address", "reviews.example.com"], "The page is not served on reviews.example.com without knowing"),
        (["--identity", "token"], "--identity token needs a secret of 16 characters or more"),
    ],
)
def test_serving_elsewhere_without_an_identity_is_refused_in_one_sentence(options, said, tmp_path):
    result = CliRunner().invoke(
        main, ["serve", *options, "--workspace", str(tmp_path)], env={"PIPELINE_REVIEW_TOKEN": ""}
    )
    assert result.exit_code == 1
    assert " ".join(result.stderr.split()).startswith(f"Error: {said}")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_one_s_own_machine_needs_no_identity(address):
    check_exposure("login", address=address, token="")


@pytest.mark.parametrize("address", ["", "0.0.0.0", "::", "10.0.0.7", "localhost.example.com"])
def test_any_other_address_needs_one(address):
    with pytest.raises(Misuse, match="without knowing who reviews"):
        check_exposure("login", address=address, token="")
    check_exposure("header", address=address, token="")
    with pytest.raises(Misuse, match="16 characters"):
        check_exposure("token", address=address, token="guess me")


def test_settings_go_through_the_environment_and_come_back(tmp_path):
    settings = Settings(
        catalog="test", workspace=str(tmp_path), as_of=None, identity="header", training="train {alert}"
    )
    assert Settings.of(settings.environment()) == settings
    with pytest.raises(Misuse, match="There is no identity 'tokn'. Did you mean token?"):
        Settings.of({"PIPELINE_REVIEW_IDENTITY": "tokn"})


def test_the_token_is_asked_for_and_a_wrong_one_shows_nothing(browser, review):
    with serving(review.workspace, "--identity", "token", PIPELINE_REVIEW_TOKEN=TOKEN) as address:
        page = browser.new_page()
        somebody = Reviewer(page, address)
        somebody.open(f"?alert={IDS['load']}")
        page.get_by_label("Token").fill("a secret of the street")
        page.get_by_role("button", name="Enter").click()
        somebody.sees("That is not the token.")
        assert "load" not in page.inner_text("body")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("load: PSI")
        expect(page.get_by_label("Your name")).to_have_value("")
        page.close()


def told(address: str, query: str, headers: dict[str, str]) -> str:
    """All that the server says to a browser that a platform has forwarded, until its script has ended."""
    place = address.replace("http", "ws") + "_stcore/stream"
    with connect(place, additional_headers=headers, origin=address.rstrip("/"), max_size=None) as socket:
        asked = BackMsg()
        asked.rerun_script.query_string = query
        socket.send(asked.SerializeToString())
        said = []
        while True:
            message = ForwardMsg()
            message.ParseFromString(socket.recv(timeout=30))
            said.append(str(message))
            if message.WhichOneof("type") == "script_finished":
                return "\n".join(said)


def test_the_platform_s_user_acts_and_cannot_be_another(review):
    with serving(review.workspace, "--address", "0.0.0.0", "--identity", "header") as address:
        shown = told(address, f"alert={IDS['load']}", {"X-Forwarded-Email": "ann@example.com"})
        assert "As ann@example.com" in shown
        assert "Your name" not in shown
        nobody = told(address, f"alert={IDS['load']}", {})
        assert "The platform has not said who you are" in nobody
        assert "load: PSI" not in nobody
