"""Nouns of all projects are found without a list of them, and a broken module stops only who asks for what it declares."""

import subprocess
import sys
import textwrap

import pytest

from feature_store import Misuse, NotFound, Source
from feature_store.discovery import discover, module_of, pick, pick_all

SOURCE = 'from feature_store import Source\n{0} = Source(name="{0}", description="{0}", table="{0}", columns=["id"])\n'


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """A package with the projects ``flights`` and ``freight``, as a stage has them."""

    def make(**modules):
        for name, text in {"__init__": "", "flights__init__": "", "freight__init__": "", **modules}.items():
            project, _, rest = name.partition("__") if name.startswith("f") else ("", "", name)
            file = f"__{rest}" if rest == "init__" else rest
            path = tmp_path / "stage" / project / f"{file}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        monkeypatch.syspath_prepend(tmp_path)
        import stage

        return stage

    yield make
    for name in [name for name in sys.modules if name.split(".")[0] == "stage"]:
        del sys.modules[name]


def test_nouns_of_all_projects_are_found_by_name_and_sorted(stage):
    package = stage(flights__planes=SOURCE.format("planes"), freight__parcels=SOURCE.format("parcels"))
    assert list(discover(package, Source)) == ["parcels", "planes"]


def test_a_noun_knows_the_module_that_declares_it_and_one_of_a_notebook_has_none(stage):
    package = stage(flights__planes=SOURCE.format("planes"), freight__parcels=SOURCE.format("parcels"))
    notebooks = Source(name="mine", description="Mine", table="mine", columns=["id"])
    nouns = discover(package, Source)
    assert module_of(nouns["parcels"], package) == "stage.freight.parcels"
    assert module_of(notebooks, package) == ""


def test_what_a_stage_names_as_machinery_is_not_imported(stage):
    package = stage(
        __init__='MACHINERY = ("forge",)\n',
        forge__init__="raise SystemError\n",
        flights__planes=SOURCE.format("planes"),
    )
    assert list(discover(package, Source)) == ["planes"]


def test_a_module_that_cannot_be_imported_is_warned_of_and_all_others_are_found(stage):
    package = stage(flights__planes=SOURCE.format("planes"), freight__parcels="import scales_that_nobody_has\n")
    told = r"^stage.freight.parcels cannot be imported: No module named 'scales_that_nobody_has'. What it declares is"
    with pytest.warns(UserWarning, match=told):
        nouns = discover(package, Source)
    assert list(nouns) == ["planes"]
    assert pick(nouns, "planes", "source").name == "planes"
    with pytest.raises(
        NotFound,
        match=r"^There is no source 'parcels'. stage.freight.parcels cannot be imported: No module named 'scales_that_nobody_has'.$",
    ):
        pick(nouns, "parcels", "source")


@pytest.mark.parametrize("text", ["def broken(:\n", "raise SystemError\n", SOURCE.format("a b")])
def test_whatever_a_module_raises_stops_no_other(stage, text):
    package = stage(flights__planes=SOURCE.format("planes"), freight__parcels=text)
    with pytest.warns(UserWarning, match=r"^stage.freight.parcels cannot be imported: \S"):
        assert list(discover(package, Source)) == ["planes"]


def test_a_project_whose_folder_cannot_be_imported_stops_no_other(stage):
    package = stage(flights__planes=SOURCE.format("planes"), freight__init__="1 / 0\n")
    with pytest.warns(UserWarning, match=r"^stage.freight cannot be imported: division by zero. "):
        assert list(discover(package, Source)) == ["planes"]


def test_two_declarations_of_one_name_are_refused_with_both_places(stage):
    package = stage(flights__planes=SOURCE.format("planes"), freight__vans=SOURCE.format("planes"))
    with pytest.raises(Misuse, match=r"'planes' is declared twice: in stage.flights.planes and in stage.freight.vans"):
        discover(package, Source)


def test_a_name_that_is_nowhere_comes_with_the_closest_ones(stage):
    nouns = discover(stage(flights__planes=SOURCE.format("planes")), Source)
    with pytest.raises(NotFound, match=r"There is no source 'plane'. Did you mean planes\?"):
        pick(nouns, "plane", "source")


def test_a_projects_name_stands_for_all_that_it_declares_and_no_name_for_all_projects(stage):
    nouns = discover(
        stage(
            flights__planes=SOURCE.format("planes"),
            flights__airports=SOURCE.format("airports"),
            freight__parcels=SOURCE.format("parcels"),
        ),
        Source,
    )
    assert nouns.projects == ["flights", "freight"]
    for asked, found in [
        (["flights"], ["airports", "planes"]),
        (["planes", "freight"], ["planes", "parcels"]),
        (["planes", "flights"], ["planes", "airports"]),
        ([], ["airports", "parcels", "planes"]),
    ]:
        assert [one.name for one in pick_all(nouns, asked, "source")] == found
    with pytest.raises(NotFound, match=r"^There is no source 'frieght'. Did you mean freight or"):
        pick_all(nouns, ["planes", "frieght"], "source")


def test_a_project_with_a_broken_module_cannot_be_asked_for_whole_and_others_can(stage):
    package = stage(flights__planes=SOURCE.format("planes"), freight__parcels="import scales_that_nobody_has\n")
    with pytest.warns(UserWarning, match=r"^stage.freight.parcels cannot be imported"):
        nouns = discover(package, Source)
    assert [one.name for one in pick_all(nouns, ["flights"], "source")] == ["planes"]
    told = "^stage.freight.parcels cannot be imported: No module named 'scales_that_nobody_has'. No source of freight was touched"
    with pytest.raises(Misuse, match=told):
        pick_all(nouns, ["freight"], "source")


def test_a_schema_stands_for_the_project_of_its_name_and_any_other_for_all(stage):
    nouns = discover(stage(flights__planes=SOURCE.format("planes"), freight__parcels=SOURCE.format("parcels")), Source)

    assert [one.name for one in nouns.of_schema("freight")] == ["parcels"]
    assert [one.name for one in nouns.of_schema("mine")] == ["parcels", "planes"]


def test_a_command_tells_of_a_broken_module_in_one_line_and_does_its_work():
    program = """
        import warnings, click
        from feature_store.cli import Verb
        import feature_store.discovery

        @click.command(cls=Verb)
        def main():
            warnings.warn_explicit("freight is broken.", UserWarning, feature_store.discovery.__file__, 1)
            warnings.warn_explicit("of another package", UserWarning, "/elsewhere/module.py", 7)
            print("done")

        main()
    """
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "done\n"
    assert done.stderr == "Warning: freight is broken.\n/elsewhere/module.py:7: UserWarning: of another package\n"
