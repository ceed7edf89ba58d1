/* Search as show-features has it: words against names, descriptions and what surrounds them, whatever is misspelt. */

const IN_NAME = 1, IN_DESCRIPTION = 0.7, AROUND = 0.5, OF_ITS_TABLE = 0.4;
const BEGINS = 0.9, WITHIN = 0.7, MISSPELT = 0.8;
const NO_TYPOS = 3; /* words of so many letters are meant as they are */
const LETTERS_FOR_A_TYPO = 4; /* one letter in so many may be wrong, missing, too many or changed over with the next */
const MOST_KEPT = 50;

const ENTRIES = [];
for (const node of CATALOG.nodes) {
  const table = ENTRIES.length;
  add(node, null, [node.owner, ...(node.around || names(readers(node.id)))], table);
  for (const column of isFeatureTable(node) ? features(node) : []) add(node, column, column.around || [], table);
}
/* By each different word: the numbers of the entries that have it, each with what it counts there. */
const VOCABULARY = new Map();
ENTRIES.forEach(({ words }, number) => words.forEach((weight, word) => {
  if (!VOCABULARY.has(word)) VOCABULARY.set(word, []);
  VOCABULARY.get(word).push([number, weight]);
}));
const LOOKED_FOR = new Map(); /* who types on asks for the words before again */

function wordsOf(text) {
  return (text || "").toLowerCase().match(/[\p{L}\p{N}]+/gu) || [];
}

function names(nodes) {
  return nodes.flatMap((node) => [node.short, node.owner]);
}

/* A table or a feature with its words; `table` is the number of the table's own entry. */
function add(node, column, around, table) {
  const words = new Map(), name = column ? column.name : node.short;
  const count = (text, weight) => wordsOf(text).forEach((word) => words.set(word, Math.max(weight, words.get(word) || 0)));
  count(name, IN_NAME);
  count(wordsOf(name).join(""), IN_NAME);
  count((column || node).about, IN_DESCRIPTION);
  around.forEach((text) => count(text, AROUND));
  ENTRIES.push({ node, column, words, table, name: column ? `${node.short}.${name}` : name });
}

/* The least number of letters to change, add, drop or swap; more than `most` is not counted out. */
function typos(one, other, most) {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  let before = null, last = Array.from({ length: other.length + 1 }, (_, number) => number);
  for (let row = 1; row <= one.length; row += 1) {
    const now = [row];
    let least = row;
    for (let place = 1; place <= other.length; place += 1) {
      const same = one[row - 1] === other[place - 1];
      let wrong = Math.min(last[place] + 1, now[place - 1] + 1, last[place - 1] + (same ? 0 : 1));
      const swapped = before && place > 1 && one[row - 1] === other[place - 2] && one[row - 2] === other[place - 1];
      if (swapped) wrong = Math.min(wrong, before[place - 2] + 1);
      now[place] = wrong;
      least = Math.min(least, wrong);
    }
    if (least > most) return most + 1;
    [before, last] = [last, now];
  }
  return last[other.length];
}

/* How surely `word` means `other`: 0, if it does not. */
function alike(word, other) {
  if (other === word) return 1;
  if (other.startsWith(word)) return BEGINS;
  if (word.length >= NO_TYPOS && other.includes(word)) return WITHIN;
  const most = word.length > NO_TYPOS ? Math.floor(word.length / LETTERS_FOR_A_TYPO) : 0;
  const wrong = most ? typos(word, other, most) : 1;
  return wrong <= most ? MISSPELT * (1 - wrong / word.length) : 0;
}

/* How well each entry answers to the word. */
function lookedFor(word) {
  if (!LOOKED_FOR.has(word)) {
    const scores = new Float32Array(ENTRIES.length);
    for (const [other, entries] of VOCABULARY) {
      const sure = alike(word, other);
      if (sure) for (const [number, weight] of entries) scores[number] = Math.max(scores[number], sure * weight);
    }
    if (LOOKED_FOR.size >= MOST_KEPT) LOOKED_FOR.clear();
    LOOKED_FOR.set(word, scores);
  }
  return LOOKED_FOR.get(word);
}

/* What the words find, the best first: those that answer to the most of them. A feature answers to its table's words, too. */
function search(text) {
  const asked = [...new Set(wordsOf(text))].map(lookedFor);
  let most = 1, found = [];
  ENTRIES.forEach((one, number) => {
    let words = 0, score = 0, own = false;
    for (const scores of asked) {
      const best = Math.max(scores[number], OF_ITS_TABLE * scores[one.table]);
      own ||= scores[number] > 0;
      words += best > 0;
      score += best;
    }
    if (!own || words < most) return;
    if (words > most) [most, found] = [words, []];
    found.push({ one, score });
  });
  found.sort((a, b) => b.score - a.score || !!a.one.column - !!b.one.column || (a.one.name < b.one.name ? -1 : 1));
  return found.map(({ one }) => one);
}
