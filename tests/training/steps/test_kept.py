"""A step's output is found again while what it was made of is the same."""

import json
import os
from pathlib import Path

import pytest

from training.steps.kept import NEWEST, Kept


def write(text: str):
    """A step that leaves a file with ``text``, and tells its length."""

    def make(folder: Path) -> dict[str, object]:
        (folder / "text").write_text(text)
        return {"length": len(text)}

    return make


def refuse(folder: Path) -> dict[str, object]:
    raise AssertionError("made again")


def test_the_same_inputs_give_the_output_that_there_is_and_others_another_one(tmp_path: Path) -> None:
    first = Kept(tmp_path).step("fit", {"rows": 3, "of": "orders"}, write("three"))
    again = Kept(tmp_path).step("fit", {"of": "orders", "rows": 3}, refuse)
    other = Kept(tmp_path).step("fit", {"rows": 4, "of": "orders"}, write("four"))

    assert (first.told, first.is_new) == ({"length": 5}, True)
    assert (again.told, again.is_new, again.folder) == ({"length": 5}, False, first.folder)
    assert (again.folder / "text").read_text() == "three"
    assert (other.told, other.is_new) == ({"length": 4}, True)
    assert json.loads((other.folder / "inputs.json").read_text()) == {"of": "orders", "rows": 4}


def test_with_rerun_a_step_is_made_again_in_the_place_of_what_there_was(tmp_path: Path) -> None:
    Kept(tmp_path).step("fit", {"rows": 3}, write("old"))
    again = Kept(tmp_path, rerun=True).step("fit", {"rows": 3}, write("newer"))

    assert (again.told, again.is_new) == ({"length": 5}, True)
    assert (again.folder / "text").read_text() == "newer"


def test_a_step_that_fails_leaves_nothing_and_what_there_was_stays(tmp_path: Path) -> None:
    Kept(tmp_path).step("fit", {"rows": 3}, write("old"))

    def fail(folder: Path) -> dict[str, object]:
        (folder / "text").write_text("half")
        raise MemoryError("too many rows")

    for inputs in ({"rows": 3}, {"rows": 4}):
        with pytest.raises(MemoryError):
            Kept(tmp_path, rerun=True).step("fit", inputs, fail)
    assert [file.read_text() for file in tmp_path.rglob("text")] == ["old"]


@pytest.mark.parametrize("content", ["", "{", "[1]"])
def test_an_output_that_cannot_be_read_is_made_again(tmp_path: Path, content: str) -> None:
    output = Kept(tmp_path).step("fit", {"rows": 3}, write("old"))
    (output.folder / "told.json").write_text(content)

    assert Kept(tmp_path).step("fit", {"rows": 3}, write("new")).is_new


def test_what_a_killed_run_has_begun_is_not_taken_for_an_output(tmp_path: Path) -> None:
    output = Kept(tmp_path).step("fit", {"rows": 3}, write("old"))
    output.folder.rename(output.folder.with_name(f"{output.folder.name}.4711.new"))

    assert Kept(tmp_path).step("fit", {"rows": 3}, write("new")).is_new


def test_only_the_newest_outputs_of_a_step_are_kept_and_one_that_is_used_counts_as_new(tmp_path: Path) -> None:
    def make(number: int) -> Path:
        return Kept(tmp_path).step("fit", {"rows": number}, write(str(number))).folder

    folders = {number: make(number) for number in range(NEWEST)}
    for number, folder in folders.items():
        os.utime(folder, (1e9 + number, 1e9 + number))
    assert make(0) == folders[0]  # used again, and so the newest but for what comes now
    folders[NEWEST] = make(NEWEST)

    assert [number for number, folder in folders.items() if folder.exists()] == [0, *range(2, NEWEST + 1)]
