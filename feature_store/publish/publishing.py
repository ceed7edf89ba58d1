"""Publishing one window of a feature table: computed once, counted in one job, checked, then written in one commit."""

import time
from dataclasses import replace
from typing import Protocol

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from feature_store.declare.table import FeatureTable
from feature_store.job import run_id
from feature_store.moments import utc
from feature_store.publish.computed import Computed, computed
from feature_store.publish.feature_table_checks import check_key_columns, described
from feature_store.publish.findings import check_kinds, failed_checks, is_set_aside, judge, refuse
from feature_store.publish.publication import Publication
from feature_store.tables.commit import Commit
from feature_store.tables.evolve import Changes, changes, fit_to_table
from feature_store.tables.protocol import Tables
from feature_store.tables.spark_writing import differing
from feature_store.tables.stored import StoredFeatureTable


class Publisher(Protocol):
    """What publishing asks of a store, besides its tables: to make a declared table, and to name its owner."""

    @property
    def tables(self) -> Tables: ...
    def get_table(self, *, name: str) -> StoredFeatureTable: ...
    def create_declared(self, table: FeatureTable, schema: StructType) -> None: ...
    def set_owner(self, *, name: str, owner: str) -> None: ...


def publish_rows(store: Publisher, *, table: FeatureTable, df: DataFrame, commit: Commit, dry_run: bool) -> Publication:
    """See :meth:`feature_store.store.FeatureStore.publish_table`."""
    tables, began = store.tables, time.monotonic()
    table.check_columns(df.columns)
    ordered = df.select(*(F.col(f"`{name}`") for name in table.columns))
    declared = described(ordered.schema, table)
    check_kinds(declared, table)
    stored = store.get_table(name=table.name) if tables.exists(table.name) else None
    if stored is None:
        check_key_columns(table.name, list(table.primary_keys), table.timeseries_column, declared)
    found = changes(stored, table, declared) if stored else None
    with computed(ordered, table, here=tables.in_process) as rows:
        measured = rows.measured
        reader = (lambda: tables.read(table.name)) if stored else None
        findings = judge(measured, table, stored=reader, window=commit.window, as_of=utc(commit.as_of))
        refuse(findings, rows.kept, table)
        added, renewed = (found.added.names, found.renewed) if found else ([], [])
        outcome = Publication(measured.rows, measured.aside, added, renewed, findings)
        if dry_run:
            return outcome if commit.window else replace(outcome, rows=_merging(tables, table, rows.kept(), found))
        if found:
            _renew(store, table, found)
        else:
            store.create_declared(table, declared)
        seconds = round(time.monotonic() - began, 3)  # until there is nothing left to do but to write
        told = {"checks": [finding.record for finding in findings], "seconds": seconds}
        checked = replace(commit, details={**commit.details, **told})
        _set_aside(tables, table, rows, commit=checked)
        return replace(outcome, rows=_write(tables, table, rows, commit=checked))


def _write(tables: Tables, table: FeatureTable, rows: Computed, *, commit: Commit) -> int:
    if table.timeseries_column is None or commit.window is None:
        return tables.merge(table.name, rows.to_write, keys=table.primary_keys, commit=commit)
    start, end = commit.window
    column, count = table.timeseries_column, rows.measured.rows
    return tables.replace_window(
        table.name, rows.to_write, column=column, start=start, end=end, commit=commit, rows=count
    )


def _renew(store: Publisher, table: FeatureTable, found: Changes) -> None:
    """Bring the stored table up to its declaration; most often there is nothing to do."""
    if found.added.fields:
        store.tables.add_columns(table.name, found.added)
    if found.comments or found.description is not None:
        store.tables.describe(table.name, description=found.description, comments=found.comments)
    if found.owner is not None:
        store.set_owner(name=table.name, owner=found.owner)


def _merging(tables: Tables, table: FeatureTable, kept: DataFrame, found: Changes | None) -> int:
    """How many rows a merge would write."""
    if found is None:
        return kept.count()
    current = tables.read(table.name)
    added = [F.lit(None).cast(field.dataType).alias(field.name) for field in found.added]
    return differing(kept, current.select("*", *added)).count()


def _set_aside(tables: Tables, table: FeatureTable, found: Computed, *, commit: Commit) -> None:
    """Put the rows that fail into the quarantine, in the place of those that failed in this window before."""
    name = f"{table.name}_quarantine"
    aside = found.measured.aside
    if not aside and (not tables.exists(name) or tables.read(name).where(_within(table, commit)).isEmpty()):
        return
    start, end = commit.window or (None, None)
    window = F.struct(F.lit(start).cast("timestamp").alias("start"), F.lit(end).cast("timestamp").alias("end"))
    rows = (
        found.everything()
        .where(is_set_aside(table))
        .select(
            "*",
            failed_checks(table.checks).alias("failed_checks"),
            window.alias("window"),
            F.lit(utc(commit.as_of)).alias("as_of"),
            F.lit(commit.run or run_id()).alias("run_id"),
        )
    )
    what = f"Rows of {table.name} that failed a check of single rows"
    fitted = fit_to_table(tables, name, rows, description=what, owner=table.owner)
    if table.timeseries_column is None or start is None or end is None:
        tables.overwrite(name, fitted, commit=commit)
    else:
        tables.replace_window(
            name, fitted, column=table.timeseries_column, start=start, end=end, commit=commit, rows=aside
        )


def _within(table: FeatureTable, commit: Commit) -> Column:
    if table.timeseries_column is None or commit.window is None:
        return F.lit(True)
    moment = F.col(f"`{table.timeseries_column}`")
    return (moment >= F.lit(commit.window[0])) & (moment < F.lit(commit.window[1]))
