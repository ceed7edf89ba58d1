/* Elements are made of texts, never of markup: whatever a name or a description holds is shown as it stands. */

const SVG = "http://www.w3.org/2000/svg";

function fill(made, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(3).filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
const s = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

/* A name or an address that may be broken after each of its parts, where there is little room. */
function breakable(name) {
  return (name || "").split(/(?<=[_./@])/).flatMap((part, number) => (number ? [h("wbr"), part] : [part]));
}

function address(id, feature) {
  return `#/${encodeURIComponent(id)}${feature ? `/${encodeURIComponent(feature)}` : ""}`;
}

const link = (node, feature) => h("a", { href: address(node.id, feature) }, breakable(feature || node.short));
const listed = (links) => links.flatMap((one, number) => (number ? [", ", one] : [one]));
const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/* A table whose lines are cards where there is little room; headings that begin with * are of names,
   with > of numbers, with | of moments. */
function grid(headings, rows) {
  const kind = (heading) => ({ "*": "name", ">": "n", "|": "d" })[heading[0]];
  const label = (heading) => heading.slice(kind(heading) ? 1 : 0);
  const table = h("table", { class: "cards" },
    h("thead", {}, h("tr", {}, headings.map((one) => h("th", { scope: "col", class: kind(one) }, label(one))))),
    h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell, number) =>
      h("td", { "data-label": label(headings[number]), class: [kind(headings[number]), !cell && "empty"].filter(Boolean).join(" ") }, cell))))));
  return h("div", { class: "scroll" }, table);
}

/* Facts, each with what it is about; without those that are empty. */
function facts(pairs) {
  const known = pairs.filter(([, told]) => told && told.length !== 0);
  return h("dl", {}, known.map(([what, told, style]) => [h("dt", {}, what), h("dd", { class: style }, told)]));
}
