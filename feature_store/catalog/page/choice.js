/* The features that are chosen, and the code that looks them up. */

const CHOSEN = new Map();

function choose(node, feature, isChosen) {
  const kept = CHOSEN.get(node.id) || new Set();
  kept[isChosen ? "add" : "delete"](feature);
  CHOSEN.set(node.id, kept);
  if (!kept.size) CHOSEN.delete(node.id);
  tellChosen();
}

function tellChosen() {
  const number = [...CHOSEN.values()].reduce((sum, names) => sum + names.size, 0);
  const shown = document.getElementById("chosen");
  shown.hidden = !number;
  shown.textContent = `Code for ${counted(number, "feature")}`;
}

function choice(node, column) {
  const isChosen = CHOSEN.get(node.id)?.has(column.name);
  const made = h("input", {
    type: "checkbox", "aria-label": `Choose ${node.short}.${column.name}`,
    change: () => choose(node, column.name, made.checked),
  });
  made.checked = Boolean(isChosen);
  return made;
}

/* JSON's texts are Python's, too. */
const quoted = (text) => JSON.stringify(text);
const list = (names) => `[${names.map(quoted).join(", ")}]`;

function lookup(node, names) {
  const keys = (node.keys || []).filter((key) => key !== node.time);
  const ordered = features(node).map((one) => one.name).filter((name) => names.has(name));
  return [
    "    FeatureLookup(",
    `        table_name=${quoted(node.id)},`,
    `        feature_names=${list(ordered)},`,
    `        lookup_key=${list(keys)},`,
    ...(node.time ? [`        timestamp_lookup_key=${quoted(node.time)},`] : []),
    "    ),",
  ];
}

function code(chosen) {
  const lines = [...chosen].flatMap(([id, names]) => lookup(NODES.get(id), names));
  return ["from feature_store import FeatureLookup", "", "lookups = [", ...lines, "]", ""].join("\n");
}

/* Code, and a button that copies it. */
function copyable(text) {
  const shown = h("pre", { tabindex: "0", "aria-label": "Code" }, h("code", {}, text));
  const button = h("button", { type: "button", click: async () => {
    button.textContent = (await copied(text, shown)) ? "Copied" : "Selected: copy it with Ctrl+C";
    say(button.textContent);
  } }, "Copy");
  return h("div", { class: "copyable" }, button, shown);
}

async function copied(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(shown);
    return document.execCommand("copy");
  }
}
