"""The command lines of the documents: which there are, which are run, and as what they are typed on a slice of the data."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "resources" / "README.md", *DOCS]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]

NOT_RUN = {
    "make": "`make test` runs the tests, the job of `make demo` is run on a slice, `make deploy` needs a workspace",
    "python": "starts a cluster on this machine, or measures for minutes on the whole year",
    "databricks": "needs an account",
    "git": "would change the repository",
}
"""The first words of command lines that no test runs, and why not. That what they name exists is tested."""
RUN_ELSEWHERE = {
    "review-alerts serve": ("tests/test_demo.py", "test_the_page_is_served_as_a_document_says"),
    "run-job repair": ("tests/resources/test_repair.py", "test_what_failed_and_what_depends_on_it_runs_again_and_what_succeeded_does_not"),
}  # fmt: skip
"""What such lines begin with that tests of their own run: a server is a process, a repair needs a run that failed and can succeed now."""


@dataclass(frozen=True)
class Line:
    """A command line: the page that it is in, and its words."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def blocks(page: Path, language: str) -> list[str]:
    """What stands in a page's fences of the language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def lines() -> Iterator[Line]:
    """Every command line of all pages, in order; variables that are set before it are left out."""
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words.pop(0)
                if words:
                    yield Line(page.relative_to(ROOT).as_posix(), tuple(words))


LINES = list(dict.fromkeys(lines()))
"""Each once for a page."""
OWN = [line for line in LINES if line.words[0] in SCRIPTS]
"""Those that call a command of this project."""
RUN = [line for line in OWN if not " ".join(line.words).startswith(tuple(RUN_ELSEWHERE))]
"""Those of them that are run on the slice of the data."""


def of(*first: str) -> list[Line]:
    """The lines that begin with these words."""
    return [line for line in LINES if line.words[: len(first)] == first]


def translated(words: tuple[str, ...], instead: Mapping[str, str]) -> list[str]:
    """The words as they are typed elsewhere: dates, ids and versions are looked up in ``instead``, which must have them."""
    return [instead[word] if re.fullmatch(r"\d{4}-\d\d-\d\d|[0-9a-f]{8}|\d+", word) else word for word in words]
