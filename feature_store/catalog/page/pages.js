/* Which page is shown: by the part of the address after #, so that each has a link of its own. */

const MOST_FOUND = 50;
const MAIN = document.getElementById("main"), SEARCH = document.getElementById("search"), STATUS = document.getElementById("status");
const ORDER = ["model", "score table", "monitor", "source table"];
const TITLE = document.title;

function say(text) {
  STATUS.textContent = text;
}

function nothing(what) {
  return [h("h1", { tabindex: "-1" }, "Not found"), h("p", {}, `There is nothing called ${what}. `, h("a", { href: "#" }, "All tables"), " are listed.")];
}

function homePage() {
  const kinds = grouped(CATALOG.nodes, (node) => node.kind);
  const number = (kinds.get(FEATURE_TABLE) || []).reduce((sum, node) => sum + features(node).length, 0);
  const rank = (kind) => (ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length);
  const others = [...kinds.keys()].filter((kind) => kind !== FEATURE_TABLE).sort((a, b) => rank(a) - rank(b));
  const broken = CATALOG.nodes.filter((node) => node.problem);
  return [
    h("h1", { tabindex: "-1" }, counted(number, "feature"), " in ", counted((kinds.get(FEATURE_TABLE) || []).length, "table")),
    h("p", { class: "faint" }, `As known at ${CATALOG.as_of} UTC.`),
    kinds.has(FEATURE_TABLE) ? featureTables(kinds.get(FEATURE_TABLE)) : h("p", {}, "There are no feature tables yet: publish-features makes them."),
    others.map((kind) => [h("h2", {}, kind[0].toUpperCase(), kind.slice(1), "s"), nodesOf(kinds.get(kind))]),
    broken.length ? [h("h2", {}, "What cannot be read in full"), h("ul", {}, broken.map((node) => h("li", {}, link(node), ": ", node.problem)))] : null,
  ];
}

function featureTables(nodes) {
  const row = (node) => [
    link(node), node.about, String(features(node).length), node.rows?.toLocaleString("en"), breakable(node.owner), node.as_of,
    listed(readers(node.id).filter((one) => one.kind === "model").map((one) => link(one))),
  ];
  return grid(["*table", "what it holds", ">features", ">rows", "owner", "|as of", "models"], nodes.map(row));
}

function nodesOf(nodes) {
  const about = (node) => node.about || node.aliases?.join(", ");
  return grid(["*name", "", "owner", "|as of"], nodes.map((node) => [link(node), about(node), breakable(node.owner), node.as_of]));
}

function searchPage(text) {
  const found = search(text), shown = found.slice(0, MOST_FOUND);
  const row = ({ node, column, name }) => [
    column && isFeatureTable(node) ? choice(node, column) : "",
    h("a", { href: address(node.id, column?.name), class: "found" }, breakable(name)),
    column ? column.type : kindOf(node), (column || node).about, breakable(node.owner),
  ];
  say(found.length ? `${found.length} found` : "Nothing found");
  return [
    h("h1", { tabindex: "-1" }, found.length ? `${found.length.toLocaleString("en")} found` : "Nothing found"),
    found.length ? grid(["", "*name", "kind", "what it is", "owner"], shown.map(row)) : h("p", {}, `Nothing is called or described as ${text}. `, h("a", { href: "#" }, "All tables"), " are listed."),
    found.length > shown.length ? h("p", { class: "faint" }, `The best ${MOST_FOUND} are shown: go on typing.`) : null,
  ];
}

function codePage() {
  const tables = [...CHOSEN].map(([id, names]) => [NODES.get(id), names]);
  const drop = (node, name) => h("button", { type: "button", "aria-label": `Leave out ${node.short}.${name}`, click: () => {
    choose(node, name, false);
    show();
  } }, "✕");
  return [
    h("h1", { tabindex: "-1" }, "Lookup code"),
    tables.length ? null : h("p", {}, "No feature is chosen: tick some in a table, or among what is found."),
    tables.map(([node, names]) => h("p", {}, link(node), ": ", [...names].map((name) => h("span", { class: "tag" }, breakable(name), " ", drop(node, name))))),
    tables.length ? [copyable(code(CHOSEN)), h("p", { class: "faint" }, "Keys and time are called as in the tables: write the names that they have in your rows. The time is the moment to look up as of.")] : null,
  ];
}

/* The title, and the elements of the page that the address means. */
function meant() {
  const where = location.hash.slice(1);
  if (where.startsWith("?")) return ["Search", searchPage(decoded(where.slice(1)))];
  if (where === "!code") return ["Lookup code", codePage()];
  if (!where.startsWith("/")) return ["", homePage()];
  const [id, feature] = where.slice(1).split("/").map(decoded), node = NODES.get(id);
  if (!node) return ["Not found", nothing(id)];
  return feature ? [`${node.short}.${feature}`, featurePage(node, feature)] : [node.short, nodePage(node)];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function show() {
  const [title, elements] = meant();
  document.title = title ? `${title} · ${TITLE}` : TITLE;
  MAIN.replaceChildren(...[elements].flat(4).filter(Boolean));
}

addEventListener("hashchange", () => {
  show();
  const isSearch = location.hash.startsWith("#?");
  SEARCH.value = isSearch ? decoded(location.hash.slice(2)) : "";
  scrollTo(0, 0);
  if (!isSearch) MAIN.querySelector("h1").focus({ preventScroll: true });
});

SEARCH.addEventListener("input", () => {
  const text = SEARCH.value.trim();
  window.history.replaceState(null, "", text ? `#?${encodeURIComponent(text)}` : "#");
  show();
});

addEventListener("keydown", (event) => {
  const isField = event.target.matches("input, textarea");
  if (event.key === "/" && (!isField || event.target.type === "checkbox")) {
    event.preventDefault();
    SEARCH.focus();
    SEARCH.select();
  } else if (event.target === SEARCH && ["ArrowDown", "Enter"].includes(event.key)) {
    event.preventDefault();
    const first = MAIN.querySelector("a.found");
    if (event.key === "Enter") first?.click();
    else first?.focus();
  }
});

if (location.hash.startsWith("#?")) SEARCH.value = decoded(location.hash.slice(2));
show();
