"use strict";
/* What there is, from the JSON in the page: nodes (tables, models, monitors), and what is made of what. */

const CATALOG = JSON.parse(document.getElementById("catalog").textContent);
const FEATURE_TABLE = "feature table";
const MOST_LAYERS = 8;
const NODES = new Map(CATALOG.nodes.map((node) => [node.id, node]));
const EDGES = CATALOG.edges.map(([source, target, columns]) => ({ source, target, columns: columns && new Set(columns) }));
const UP = grouped(EDGES, (edge) => edge.target);
const DOWN = grouped(EDGES, (edge) => edge.source);

function grouped(things, by) {
  const groups = new Map();
  for (const one of things) {
    if (!groups.has(by(one))) groups.set(by(one), []);
    groups.get(by(one)).push(one);
  }
  return groups;
}

const isFeatureTable = (node) => node.kind === FEATURE_TABLE;
const features = (node) => (node.columns || []).filter((one) => !(node.keys || []).includes(one.name));
const sources = (id) => (UP.get(id) || []).map((edge) => edge.source);
const targets = (id) => (DOWN.get(id) || []).map((edge) => edge.target);

/* Who reads the table, or this feature of it: also those of whom nobody recorded which columns they read. */
function readers(id, feature) {
  const edges = (DOWN.get(id) || []).filter((edge) => !feature || !edge.columns || edge.columns.has(feature));
  return edges.map((edge) => NODES.get(edge.target));
}

/* All that is reached from the first ones, each in the last of the layers in which it is met, the nearest layer first. */
function layers(first, next, start) {
  const depth = new Map();
  let level = new Set(first);
  for (let number = 0; level.size && number < MOST_LAYERS; number += 1) {
    for (const id of level) depth.set(id, number);
    level = new Set([...level].flatMap(next).filter((id) => id !== start));
  }
  const found = [];
  for (const [id, number] of depth) (found[number] ||= []).push(NODES.get(id));
  return found.filter(Boolean);
}

const above = (id) => layers(sources(id), sources, id);
const below = (id, feature) => layers(readers(id, feature).map((node) => node.id), targets, id);
