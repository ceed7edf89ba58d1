"""Draws the documents' pictures as SVG, for GitHub and for the site: python docs/pictures/draw.py"""

from collections.abc import Callable, Iterable
from pathlib import Path

from markupsafe import escape

HERE = Path(__file__).parent
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
INK, PALE, LINE, PAPER = "#1f2933", "#52606d", "#7b8794", "#ffffff"
RUNS, EDITED, KEPT = "#e6f0ff", "#fff4d6", "#e8f5e9"
"""What is run, what people edit, what is kept."""


def box(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="{LINE}" stroke-width="1"/>'


def text(
    x: float, y: float, words: str, *, size: int = 13, colour: str = INK, mono: bool = False, bold: bool = False
) -> str:
    font = f' font-family="{MONO}"' if mono else ""
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="middle"{font}{weight}>{escape(words)}</text>'


def card(x: float, y: float, width: float, fill: str, lines: Iterable[str], *, mono_first: bool = True) -> str:
    """A box as high as its lines; the first is its name."""
    shown = list(lines)
    parts = [box(x, y, width, 18 * len(shown) + 14, fill)]
    for number, line in enumerate(shown):
        first = number == 0
        colour = INK if first else PALE
        parts.append(
            text(x + width / 2, y + 21 + 18 * number, line, size=13 if first else 12, colour=colour, mono=first and mono_first, bold=first)
        )  # fmt: skip
    return "\n".join(parts)


def arrow(*points: tuple[float, float], dashed: bool = False) -> str:
    path = " ".join(f"{'M' if number == 0 else 'L'}{x} {y}" for number, (x, y) in enumerate(points))
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="1.4" marker-end="url(#head)"{dash}/>'


def picture(title: str, width: int, height: int, parts: Iterable[str]) -> str:
    """The whole file; the paper is white, so that it can be read on a dark page, too."""
    head = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{INK}"/></marker></defs>'
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="{FONT}">',
            f"<title>{escape(title)}</title>",
            head,
            f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def legend(x: float, y: float) -> list[str]:
    parts, at = [], x
    for fill, words in ((EDITED, "people edit"), (RUNS, "is run"), (KEPT, "is kept")):
        parts += [
            box(at, y, 16, 12, fill),
            f'<text x="{at + 22}" y="{y + 11}" font-size="12" fill="{PALE}">{words}</text>',
        ]
        at += 115
    return parts


STAGES = [
    (
        ("features/flights/", "landing.py, sources.py"),
        ("ingest-sources", "lands each source"),
        ("landed tables", "known_at of each row"),
    ),
    (
        ("features/flights/", "one module per table"),
        ("publish-features", "window by window"),
        ("feature tables", "keys, moment, checks"),
    ),
    (
        ("training/flights/", "one module per model"),
        ("train-model", "joins as of decided_at"),
        ("models", "one is the champion"),
    ),
    (
        ("inference/flights/", "who is scored"),
        ("score-batch", "given keys only"),
        ("score tables", "features, prediction"),
    ),
    (
        ("monitoring/flights/", "one module per monitor"),
        ("check-drift", "against the baseline"),
        ("alerts", "metric tables, reports"),
    ),
]
"""What people edit, what is run, and what is kept."""


def pipeline() -> str:
    """The stages in the order in which data passes them."""
    width, gap, left = 170, 36, 20
    whole = 5 * width + 4 * gap
    x = [left + number * (width + gap) for number in range(5)]
    parts = legend(left, 16)
    for number, (edited, run, kept) in enumerate(STAGES):
        middle = x[number] + width / 2
        parts += [card(x[number], 44, width, EDITED, edited), card(x[number], 124, width, RUNS, run)]
        parts += [card(x[number], 204, width, KEPT, kept, mono_first=False)]
        parts += [arrow((middle, 94), (middle, 122)), arrow((middle, 174), (middle, 202))]
        if number:
            parts.append(
                arrow((x[number] - gap, 229), (x[number] - 25, 229), (x[number] - 25, 145), (x[number] - 1, 145))
            )
    first_below = x[1] + width / 2
    last = x[4] + width / 2
    joined = (
        "run-job, or databricks bundle run",
        "these commands in the order of resources/*.job.yml: here, or on Databricks",
    )
    store = (
        "one store",
        "Delta tables and MLflow in a folder; on Databricks Unity Catalog, through the vendor's client",
    )
    parts += [
        arrow((first_below, 254), (first_below, 278), (x[3] - 12, 278), (x[3] - 12, 162), (x[3] - 1, 162), dashed=True),
        text(x[2] + 130, 296, "the model looks the same features up again", size=12, colour=PALE),
        card(x[4], 284, width, RUNS, ("review-alerts", "a person decides")),
        arrow((last, 254), (last, 282)),
        arrow((x[4], 318), (x[2] - 12, 318), (x[2] - 12, 162), (x[2] - 1, 162), dashed=True),
        text(x[2] + 130, 336, "the rule, or a person, asks for a new model", size=12, colour=PALE),
        card(left, 360, whole, RUNS, joined),
        card(left, 422, whole, KEPT, store, mono_first=False),
    ]
    return picture("The pipeline: stages, commands and what they keep", 2 * left + whole, 488, parts)


def one_value() -> str:
    """How one looked-up value gets into training and into scoring, by the same join."""
    left, width, gap = 20, 218, 36
    x = [left + number * (width + gap) for number in range(4)]
    parts = [
        *legend(left, 16),
        text(x[0] + width / 2, 62, "rows that ask", bold=True),
        text(x[1] + width / 2, 62, "the join", bold=True),
        text(x[2] + width / 2, 62, "what is made", bold=True),
        text(x[3] + width / 2, 62, "what is compared", bold=True),
        card(x[0], 80, width, EDITED, ["FLIGHT_OUTCOMES", "keys, decided_at, label"]),
        card(x[0], 250, width, EDITED, ["SCHEDULED_FLIGHTS", "keys, decided_at"]),
        card(x[0], 165, width, KEPT, ["feature tables", "rows with known_at"], mono_first=False),
        card(x[1], 156, width, RUNS, ["join/point_in_time.py", "for each row the newest feature", "row with known_at ≤ decided_at"]),
        card(x[2], 80, width, RUNS, ["training/steps/", "the frame; fit, evaluate, gates"]),
        card(x[2], 165, width, KEPT, ["model + feature_spec.yaml", "lookups, keys, fitted estimator"], mono_first=False),
        card(x[2], 250, width, RUNS, ["package/scoring.py", "looks up, then predicts"]),
        card(x[3], 80, width, KEPT, ["baseline", "what the champion learned from"], mono_first=False),
        card(x[3], 165, width, RUNS, ["monitoring/drift/", "windows by decided_at"]),
        card(x[3], 250, width, KEPT, ["score table", "features, prediction, versions"], mono_first=False),
    ]  # fmt: skip
    right: Callable[[int], float] = lambda column: x[column] + width  # noqa: E731
    parts += [
        arrow((right(0), 105), (x[1] + 60, 105), (x[1] + 60, 154)),
        arrow((right(0), 275), (x[1] + 60, 275), (x[1] + 60, 226)),
        arrow((right(0), 190), (x[1] - 2, 190)),
        arrow((right(1) - 60, 156), (right(1) - 60, 105), (x[2] - 2, 105)),
        arrow((right(1) - 60, 224), (right(1) - 60, 275), (x[2] - 2, 275)),
        arrow((x[2] + width / 2, 130), (x[2] + width / 2, 163)),
        arrow((x[2] + width / 2, 215), (x[2] + width / 2, 248)),
        arrow((right(2), 105), (x[3] - 2, 105)),
        arrow((right(2), 275), (x[3] - 2, 275)),
        arrow((x[3] + width / 2, 130), (x[3] + width / 2, 163)),
        arrow((x[3] + width / 2, 250), (x[3] + width / 2, 217)),
    ]
    return picture("The way of one value, in training and in scoring", 2 * left + 4 * width + 3 * gap, 320, parts)


PICTURES = {"pipeline.svg": pipeline, "one-value.svg": one_value}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (HERE / name).write_text(draw(), encoding="utf-8")
