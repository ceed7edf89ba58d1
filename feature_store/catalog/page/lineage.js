/* Lineage, drawn: what something is made of on its left, what is made of it on its right; all of it are links. */

const MOST_IN_A_LAYER = 12;

function lineage(node, feature) {
  const before = above(node.id).reverse(), after = below(node.id, feature);
  if (feature) before.push([node]);
  if (!before.length && !after.length) return [h("p", { class: "faint" }, "Nothing is recorded of what it is made of, or who reads it.")];
  const here = feature ? `${node.id}\n${feature}` : node.id;
  const drawn = s("svg", { "aria-hidden": "true" }), boxes = new Map();
  const column = (members, isHere) => layer(members, boxes, isHere && { here, feature });
  const all = [...before.map((one) => column(one)), column([node], true), ...after.map((one) => column(one))];
  const picture = h("div", { class: "lineage" }, drawn, all);
  const lines = [...within([...before, [node]]), ...within(feature ? after : [[node], ...after])];
  if (feature) lines.push([node.id, here], ...readers(node.id, feature).map((reader) => [here, reader.id]));
  const draw = () => connect(picture, drawn, boxes, lines.filter(([source, target]) => boxes.has(source) && boxes.has(target)));
  new ResizeObserver(draw).observe(picture);
  picture.addEventListener("grown", draw);
  for (const [event, isOn] of [["mouseover", true], ["focusin", true], ["mouseout", false], ["focusout", false]]) {
    picture.addEventListener(event, ({ target }) => point(drawn, target.closest("[data-id]"), isOn));
  }
  return [impact(after), h("div", { class: "scroll" }, picture)];
}

/* What is made of what on one side; what goes past the middle has nothing to do with it. */
function within(side) {
  const ids = new Set(side.flat().map((node) => node.id));
  return EDGES.filter((edge) => ids.has(edge.source) && ids.has(edge.target)).map((edge) => [edge.source, edge.target]);
}

function layer(members, boxes, isHere) {
  const shown = h("ul");
  const add = (nodes) => nodes.forEach((node) => {
    const made = box(node, isHere);
    boxes.set(made.dataset.id, made);
    shown.append(h("li", {}, made));
  });
  add(members.slice(0, MOST_IN_A_LAYER));
  const rest = members.slice(MOST_IN_A_LAYER);
  if (rest.length) {
    const more = h("button", { type: "button", click: () => {
      more.parentNode.remove();
      add(rest);
      shown.dispatchEvent(new Event("grown", { bubbles: true }));
      boxes.get(rest[0].id).focus();
    } }, `${rest.length} more`);
    shown.append(h("li", {}, more));
  }
  return shown;
}

function box(node, isHere) {
  const inside = [h("span", {}, kindOf(node, isHere && isHere.feature)), h("b", {}, breakable((isHere && isHere.feature) || node.short))];
  return isHere
    ? h("div", { class: "here", "data-id": isHere.here, "aria-current": "true" }, inside)
    : h("a", { href: address(node.id), "data-id": node.id }, inside);
}

function kindOf(node, feature) {
  if (feature) return "feature";
  return node.aliases ? `${node.kind}, ${node.aliases.join(", ")}` : node.kind;
}

/* A line from each source to each target, behind the boxes: to the right, or downwards where layers stand upon each other. */
function connect(picture, drawn, boxes, lines) {
  const isNarrow = getComputedStyle(picture).flexDirection === "column", frame = picture.getBoundingClientRect();
  drawn.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
  drawn.replaceChildren(...lines.map(([source, target]) => {
    const from = boxes.get(source).getBoundingClientRect(), to = boxes.get(target).getBoundingClientRect();
    const [x, y] = isNarrow ? [from.left + from.width / 2, from.bottom] : [from.right, from.top + from.height / 2];
    const [u, v] = isNarrow ? [to.left + to.width / 2, to.top] : [to.left, to.top + to.height / 2];
    const [a, b, c, d] = [x - frame.left, y - frame.top, u - frame.left, v - frame.top];
    const bend = isNarrow ? `${a} ${(b + d) / 2} ${c} ${(b + d) / 2}` : `${(a + c) / 2} ${b} ${(a + c) / 2} ${d}`;
    return s("path", { d: `M${a} ${b}C${bend} ${c} ${d}`, "data-source": source, "data-target": target });
  }));
}

function point(drawn, pointed, isOn) {
  for (const path of drawn.children) {
    const isIts = pointed && [path.dataset.source, path.dataset.target].includes(pointed.dataset.id);
    path.classList.toggle("pointed", Boolean(isOn && isIts));
  }
}

/* What breaks if it changes, and whom to ask before. */
function impact(after) {
  const all = after.flat(), owners = [...new Set(all.map((node) => node.owner).filter(Boolean))].sort();
  if (!all.length) return h("p", {}, "Nobody that is recorded reads it: nothing breaks if it changes.");
  const kinds = [...grouped(all, (node) => node.kind)].map(([kind, nodes]) => counted(nodes.length, kind));
  const whom = owners.length ? ` Ask ${owners.join(", ")} first.` : "";
  return h("p", { class: "impact" }, `A change reaches ${kinds.join(", ")}.${whom}`);
}
