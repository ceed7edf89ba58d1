/* The pages of tables, features, models and monitors. */

function heading(node, feature) {
  const above = feature ? h("p", { class: "faint" }, "feature of ", link(node)) : h("p", { class: "faint" }, kindOf(node));
  return [h("h1", { tabindex: "-1" }, breakable(feature || node.short)), above];
}

function problem(node) {
  return node.problem ? h("p", { class: "bad" }, "Cannot be read in full: ", node.problem) : null;
}

function readBy(node, feature) {
  const found = readers(node.id, feature);
  return found.length ? listed(found.map((one) => link(one))) : "nobody that is recorded";
}

function nodePage(node) {
  const keys = (node.keys || []).map((key) => (key === node.time ? `${key} (time)` : key)).join(", ");
  const made = sources(node.id).map((id) => link(NODES.get(id)));
  return [
    heading(node),
    h("p", { class: "lead" }, node.about),
    problem(node),
    facts([
      ["owner", node.owner || "nobody"], ["keys", keys], ["made of", listed(made)], ["read by", readBy(node)],
      ["trained as of", node.kind === "model" && node.as_of], ...(node.facts || []),
    ]),
    h("h2", {}, "Lineage"), lineage(node),
    node.columns ? [h("h2", {}, isFeatureTable(node) ? "Features" : "Columns"), columns(node)] : null,
    node.dropped ? dropped(node) : null,
    node.checks ? [h("h2", {}, "Checks of the last publishing"), checks(node)] : null,
    node.kind === "model" ? [h("h2", {}, "Features that it reads"), featuresRead(node)] : null,
  ];
}

function columns(node) {
  const keys = new Set(node.keys || []), isTable = isFeatureTable(node);
  const ordered = [...node.columns.filter((one) => keys.has(one.name)), ...features(node)];
  const row = (one) => [
    isTable ? (keys.has(one.name) ? "" : choice(node, one)) : "",
    isTable && !keys.has(one.name) ? link(node, one.name) : h("b", {}, breakable(one.name)),
    one.type, one.nulls, one.values, one.about,
    isTable ? (keys.has(one.name) ? "key" : String(readers(node.id, one.name).length)) : "",
  ];
  const headings = ["", "*column", "type", ">nulls", "range or commonest", "what it is", ">readers"];
  return grid(headings, ordered.map(row));
}

function dropped(node) {
  return Object.entries(node.dropped).map(([name, ids]) =>
    h("p", { class: "bad" }, h("a", { href: address(node.id, name) }, name), " is no column of it; made with it: ",
      listed(ids.map((id) => link(NODES.get(id))))));
}

function checks(node) {
  const state = (passed) => h("span", { class: passed ? "state good" : "state bad" }, passed ? "passed" : "failed");
  return grid(["", "*check", "found"], node.checks.map(([passed, check, found]) => [state(passed), check, found]));
}

function featuresRead(node) {
  const edges = UP.get(node.id) || [];
  const names = (edge) => [...(edge.columns || [])].sort();
  const isThere = (table, name) => (table.columns || []).some((one) => one.name === name);
  return grid(["*table", "features"], edges.map((edge) => {
    const table = NODES.get(edge.source);
    return [link(table), listed(names(edge).map((name) => h("span", { class: !isThere(table, name) && "bad" }, link(table, name))))];
  }));
}

function featurePage(node, name) {
  const column = (node.columns || []).find((one) => one.name === name);
  if (!column && !node.dropped?.[name]) return nothing(`${node.short}.${name}`);
  if (!column) return [heading(node, name), h("p", { class: "bad" }, "It is no longer a column of the table."), h("h2", {}, "Lineage"), lineage(node, name)];
  const chosen = choice(node, column);
  return [
    heading(node, name),
    h("p", { class: "lead" }, column.about),
    problem(node),
    facts([
      ["type", column.type], ["owner", node.owner || "nobody"], ["values", column.values], ["nulls", column.nulls],
      ["read by", readBy(node, name)],
    ]),
    h("h2", {}, "Lineage"), lineage(node, name),
    column.history ? [h("h2", {}, "History"), column.history.map(history)] : null,
    isFeatureTable(node) && !(node.keys || []).includes(name)
      ? [h("h2", {}, "Look it up"), h("label", { class: "choose" }, chosen, " together with others that I choose"), copyable(code([[node.id, new Set([name])]]))]
      : null,
  ];
}
