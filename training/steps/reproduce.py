"""Build a model version's training frame again, and prove it equal: ``train-model NAME --reproduce VERSION``.

Nothing but the packaged model is asked: its ``lineage.json`` names the versions of all tables, the labels and the split,
its feature spec the lookups. What is declared today, and what has been published since, does not matter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from rich.table import Table

from feature_store import FeatureStore, Misuse, NotFound
from feature_store.cli import console
from feature_store.lineage.fingerprint import fingerprint
from feature_store.lineage.models import ModelLineage, packaged_lineage
from feature_store.tables.commit import code_revision
from training.steps import champion as office
from training.steps.frame import Labels


@dataclass(frozen=True)
class Reproduced:
    """What was recorded of a training frame, and what was rebuilt.

    ``versions`` maps each table to the version read and the one of today.
    """

    model: str
    version: str
    as_of: datetime
    versions: Mapping[str, tuple[int, int]]
    recorded: str
    rebuilt: str
    code: str

    @property
    def equal(self) -> bool:
        """Whether the rebuilt frame has exactly the rows and columns that the model learned from."""
        return self.recorded == self.rebuilt


def reproduce(
    store: FeatureStore, name: str, version: str, *, begin: Callable[[str], None] = lambda step: None
) -> Reproduced:
    """Rebuild the training frame of a model version (or of an alias) by time travel.

    Raises
    ------
    NotFound
        If there is no such model or version, or a table's history no longer has what was read; it is named.
    Misuse
        If the model was packaged without what it takes.
    """
    model = store.tables.full_name(name)
    number = office.version_of(model, version)
    uri = f"models:/{model}/{number}"
    begin("reading the model's lineage")
    lineage = packaged_lineage(uri)
    as_of, labels, recorded = _recorded(f"{model} version {number}", lineage)
    begin("looking for the tables' versions")
    versions = dict(lineage.table_versions) | {labels.table: labels.version}
    _check_history(
        store, f"{model} version {number}", as_of, versions, {**lineage.table_ids, labels.table: labels.table_id}
    )
    begin("looking features up")
    joined = store.look_up(model_uri=uri, df=labels.spine(store, as_of=as_of), table_versions=lineage.table_versions)
    columns = [*(column for column in joined.columns if column != labels.label), labels.label]
    return Reproduced(
        model=model,
        version=number,
        as_of=as_of,
        versions={table: (read, store.tables.version(table)) for table, read in sorted(versions.items())},
        recorded=recorded,
        rebuilt=fingerprint(joined.select(*(f"`{column}`" for column in columns))),
        code=str(lineage.document.get("code_revision", "unknown")),
    )


def _recorded(what: str, lineage: ModelLineage) -> tuple[datetime, Labels, str]:
    document = lineage.document
    try:
        labels = Labels.from_document(document["frame"])
        return datetime.fromisoformat(document["as_of"]), labels, str(document["fingerprint"])
    except (KeyError, TypeError, ValueError) as error:
        raise Misuse(
            f"{what} does not carry what it takes to build its training frame again ({error} in lineage.json): "
            "train the model again with this version of train-model."
        ) from error


def _check_history(
    store: FeatureStore, what: str, as_of: datetime, versions: Mapping[str, int], ids: Mapping[str, str]
) -> None:
    """Find out before anything is computed, and for all tables at once, what can no longer be read."""
    lost = []
    for table, version in sorted(versions.items()):
        try:
            found = store.tables.info(table).table_id
            if ids.get(table) and found and found != ids[table]:
                lost.append(
                    f"Table {table} was dropped and made again since: it has the id {found}, and the model learned from "
                    f"version {version} of {ids[table]}."
                )
                continue
            store.tables.read(table, version=version)
        except NotFound as error:
            lost.append(str(error))
    if lost:
        raise NotFound(
            f"{what} cannot be reproduced. {' '.join(lost)} Bring the table's folder back from a backup, or train the "
            f"model again: train-model {what.split()[0].split('.')[-1]} --as-of {as_of:%Y-%m-%dT%H:%M}. To keep history "
            "longer, give the tables a longer delta.deletedFileRetentionDuration and delta.logRetentionDuration."
        )


def show(done: Reproduced) -> None:
    """Print what was recorded and what was rebuilt.

    Raises
    ------
    Misuse
        If they are not equal: the command fails.
    """
    console.print(f"  {done.model} version {done.version}, trained as of {done.as_of:%Y-%m-%d %H:%M}")
    read = Table("table", "version read", "version today", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for table, (then, now) in done.versions.items():
        read.add_row(table, str(then), str(now))
    console.print(read)
    facts = Table("", "recorded", "rebuilt", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    facts.add_row("rows", f"{_rows(done.recorded)}", f"{_rows(done.rebuilt)}")
    facts.add_row("fingerprint", done.recorded, done.rebuilt)
    facts.add_row("code revision", done.code, code_revision())
    console.print(facts)
    if not done.equal:
        raise Misuse(
            f"The rebuilt frame is not the one that {done.model} version {done.version} learned from. The tables were "
            f"read at the recorded versions, so either the code has changed (compare {done.code} with "
            f"{code_revision()}) or the model's record has."
        )
    console.print("  [good]equal[/]: this is the frame that the model learned from, row for row")


def _rows(mark: str) -> str:
    rows = mark.split(":")[0]
    return f"{int(rows):,}" if rows.isdigit() else "unknown"
