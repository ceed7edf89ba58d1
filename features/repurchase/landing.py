"""Purchases at CDNOW, a shop for music, by the customers whom it won in early 1997, as the lifetimes distribution ships them.

The data is that of Fader and Hardie's studies of customers: 23,570 customers, their purchases from January 1997 to June 1998.
It is read from the installed distribution (MIT licence) without importing it.
"""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pandas as pd

from feature_store.errors import NotFound
from features.spec import LandedTable

OWNER = "repurchase@example.com"
KEYS = ("customer_id",)
FILE = "lifetimes/datasets/CDNOW_master.txt"
DAY = pd.Timedelta(days=1)
EVERY, HORIZON = pd.Timedelta(days=28), pd.Timedelta(days=56)
"""How often customers are decided on, counted from 1 January 1970, and how long is waited for them to buy again."""


def path_of(name: str) -> Path:
    """Where one of the distribution's files is.

    Raises
    ------
    NotFound
        If lifetimes is not installed.
    """
    try:
        return Path(str(distribution("lifetimes").locate_file(name)))
    except PackageNotFoundError:
        raise NotFound("The distribution lifetimes is not installed. Run `make setup`.") from None


def checksum() -> str:
    """A checksum of the file."""
    return hashlib.sha256(path_of(FILE).read_bytes()).hexdigest()


def purchases() -> pd.DataFrame:
    """One row per purchase; its day is all that is recorded of the time, so that it is known when the day is over."""
    columns = ["customer_id", "day", "cds", "dollars"]
    raw = pd.read_csv(path_of(FILE), sep=r"\s+", header=0, names=columns, dtype={"customer_id": str, "day": str})
    bought = pd.to_datetime(raw["day"], format="%Y%m%d", utc=True)
    return pd.DataFrame(
        {
            "purchase_id": range(1, len(raw) + 1),
            "customer_id": raw["customer_id"],
            "bought_at": bought,
            "known_at": bought + DAY,
            "cds": raw["cds"],
            "dollars": raw["dollars"],
        }
    )


def decisions() -> pd.DataFrame:
    """Whom to write to: each customer every four weeks, and whether they bought within the eight weeks that followed."""
    return decided(purchases())


def decided(bought: pd.DataFrame) -> pd.DataFrame:
    """One row for each customer of ``bought`` and each moment of decision after their first purchase was known.

    What becomes of them is known when the eight weeks are over, and null if the purchases end before.
    """
    end = bought["known_at"].max()
    moments = pd.Series(pd.date_range(bought["known_at"].min().floor(EVERY), end, freq=EVERY), name="decided_at")
    joined = bought.groupby("customer_id", as_index=False)["known_at"].min()
    rows = joined.merge(moments, how="cross").query("known_at <= decided_at").drop(columns="known_at")
    pairs = bought[["customer_id", "bought_at"]].merge(moments, how="cross")
    again = pairs[pairs["bought_at"].between(pairs["decided_at"], pairs["decided_at"] + HORIZON, inclusive="left")]
    due = rows["decided_at"] + HORIZON
    bought_again = pd.MultiIndex.from_frame(rows).isin(pd.MultiIndex.from_frame(again[["customer_id", "decided_at"]]))
    rows["outcome_known_at"] = due.where(due <= end)
    rows["buys_again"] = pd.Series(bought_again, rows.index, dtype="boolean").where(due <= end)
    sorted_rows: pd.DataFrame = rows.sort_values(["decided_at", "customer_id"], ignore_index=True)
    return sorted_rows


PURCHASES = LandedTable(
    name="purchases",
    description="Purchases at CDNOW, January 1997 to June 1998",
    owner=OWNER,
    keys=["purchase_id", *KEYS, "bought_at", "known_at"],
    columns={
        "purchase_id": ("long", "The purchase, by its place in the file"),
        "customer_id": ("string", "The customer"),
        "bought_at": ("timestamp", "The day of the purchase, at its beginning"),
        "known_at": ("timestamp", "When the purchase was known: the end of its day"),
        "cds": ("long", "How many CDs were bought"),
        "dollars": ("double", "What was paid, dollars; 0 for some 80 purchases"),
    },
    read=purchases,
    stamp=checksum,
)

DECISIONS = LandedTable(
    name="customer_decisions",
    description="Each customer every four weeks, and whether they bought again within eight",
    owner=OWNER,
    keys=[*KEYS, "decided_at"],
    columns={
        "customer_id": ("string", "The customer"),
        "decided_at": ("timestamp", "When it is decided whether to write to them"),
        "outcome_known_at": ("timestamp", "When the eight weeks are over; null if the data ends before"),
        "buys_again": ("boolean", "Whether they bought within eight weeks"),
    },
    read=decisions,
    stamp=checksum,
)
