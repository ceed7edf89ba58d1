/* What a feature's values were, window by window, as small charts. */

const WIDE = 320, HIGH = 90;
const PARTS = [["mean", "Mean, and the middle 90 % of the values"], ["nulls", "Share of nulls, percent"], ["drift", "Drift against what the model learned from"]];

function history(series) {
  const charts = PARTS.filter(([part]) => (series[part] || []).some((value) => value !== null));
  return h("section", {},
    h("h3", {}, series.of),
    charts.length ? h("div", { class: "columns" }, charts.map(([part, caption]) => chart(series, part, caption))) : null,
    series.alerts ? h("ul", {}, series.alerts.map((text) => h("li", {}, text))) : null);
}

function chart(series, part, caption) {
  const values = series[part], band = part === "mean" && series.low ? [series.low, series.high] : [];
  const limit = part === "drift" && series.limit !== undefined ? [series.limit] : [];
  const all = [values, ...band, limit].flat().filter((value) => value !== null && value !== undefined);
  const least = part === "mean" ? Math.min(...all) : 0, greatest = Math.max(...all, least + 1e-9);
  const x = (number) => (number / Math.max(values.length - 1, 1)) * WIDE;
  const y = (value) => HIGH - ((value - least) / (greatest - least)) * HIGH;
  const points = (them) => them.map((value, number) => [value, number]).filter(([value]) => value !== null).map(([value, number]) => `${x(number).toFixed(1)},${y(value).toFixed(1)}`);
  const first = series.windows[0], last = series.windows[series.windows.length - 1];
  const range = `${short(least)} to ${short(greatest)}, ${first} to ${last}`;
  return h("figure", {},
    s("svg", { viewBox: `-2 -4 ${WIDE + 4} ${HIGH + 8}`, role: "img", "aria-label": `${caption}: ${range}`, class: "chart" },
      band.length ? s("polygon", { points: [...points(band[0]), ...points(band[1]).reverse()].join(" ") }) : null,
      limit.map((value) => s("line", { x1: 0, x2: WIDE, y1: y(value), y2: y(value) })),
      s("polyline", { points: points(values).join(" ") })),
    h("figcaption", {}, `${caption}. ${range}${limit.length ? `; limit ${short(limit[0])}` : ""}.`));
}

function short(value) {
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });
}
