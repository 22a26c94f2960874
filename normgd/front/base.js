// What all explorers share: numbers, how they are written and read, and the page's elements.
//
// The files of this folder are one module, put together by Python in the order of its __init__.py.
// They import nothing and need no build.

// ------------------------------------------------------------------------------------ numbers

const distance = (a, b) => Math.hypot(...a.map((x, i) => x - b[i]));

const clamp = (x, low, high) => Math.max(low, Math.min(high, x));

/** Round to the decimals that a thousandth of an interval needs, and keep within bounds. */
function rounded(x, [low, high], bounds = [low, high]) {
  const decimals = clamp(Math.ceil(3 - Math.log10(high - low)), 0, 100);
  return clamp(Number(x.toFixed(decimals)), ...bounds) + 0; // adding 0 makes of -0 a 0, which a link and Python write alike
}

/** Turn traced code into a function. */
const compiled = (prelude, parameters, body) =>
  new Function(`"use strict"; ${prelude}; return (${parameters}) => {\n${body}\n};`)();

// ---------------------------------------------------------------------------------- writing

const minus = (text) => text.replaceAll("-", "−");

/** Write a number to three digits, in as much room whatever it is. */
function short(x) {
  if (Number.isNaN(x)) return "–";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) {
    const digits = size < 1e-99 || size >= 1e100 ? 1 : 2;
    return minus(x.toExponential(digits).replace("e+", "e"));
  }
  if (size >= 1000) return minus(x.toFixed(0));
  return minus(size === 0 ? "0" : x.toPrecision(3));
}

/** Write a setting: all of its digits, and none that are zeros for nothing. */
function exact(x) {
  const size = Math.abs(x);
  const text = String(Number(x.toPrecision(6)));
  return minus(size && (size < 1e-3 || size >= 1e6) ? Number(text).toExponential().replace("e+", "e") : text);
}

const superscript = (n) => [...String(n)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("");

function ticks(low, high, most) {
  const least = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= least * (1 - 1e-9));
  const count = Math.floor(high / step + 1e-9);
  const result = [];
  for (let k = Math.ceil(low / step - 1e-9); k <= count; k++) result.push(Number((k * step).toPrecision(10)));
  return result;
}

// ---------------------------------------------------------------------- settings in a link
//
// "explore&1.start=-1.5,2&1.ngd.eta=0.1&1.steps=90&1.hide=gd": of the first explorer of a page,
// what differs from what the page shows at first. A link is anybody's text: what is read is one
// of these keys with a number in its range, or it is passed over.

const NUMBER = /^-?\d{1,25}(\.\d{1,25})?(e[+-]?\d{1,3})?$/;

const readNumber = (text) => (NUMBER.test(text) ? Number(text) : NaN);

const same = (a, b) => String(a) === String(b);

/** The pairs of key and text in a link's fragment, without its #. */
const readPairs = (fragment) => new URLSearchParams(fragment.startsWith("explore&") ? fragment.slice("explore&".length) : "");

// -------------------------------------------------------------------------------- the page

function adorn(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function element(tag, attributes = {}, ...children) {
  const node = adorn(document.createElement(tag), attributes);
  node.append(...children);
  return node;
}

function drawing(tag, attributes = {}, text = "") {
  const node = adorn(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes);
  node.textContent = text;
  return node;
}

/** A point as SVG has it. */
const written = (point) => point.map((z) => z.toFixed(1)).join(" ");
const translate = (point) => `translate(${written(point)})`;

/** The level lines of a grid of heights, as a path: in each cell of this size straight lines between its sides. */
function contours(heights, levels, size) {
  let data = "";
  for (let i = 0; i + 1 < heights.length; i++) for (let j = 0; j + 1 < heights[i].length; j++) {
    const corners = [[i, j], [i, j + 1], [i + 1, j + 1], [i + 1, j]];
    const z = corners.map(([row, column]) => heights[row][column]);
    const [low, high] = [Math.min(...z), Math.max(...z)];
    for (const level of levels) {
      if (!(low < level && level <= high)) continue;
      const ends = [];
      for (let k = 0; k < 4; k++) {
        const [a, b] = [z[k], z[(k + 1) % 4]];
        if ((a < level) === (b < level)) continue;
        const t = (level - a) / (b - a);
        const [[y0, x0], [y, x]] = [corners[k], corners[(k + 1) % 4]];
        ends.push(`${Math.round(size * (x0 + t * (x - x0)))} ${Math.round(size * (y0 + t * (y - y0)))}`);
      }
      for (let k = 0; k + 1 < ends.length; k += 2) data += `M${ends[k]}L${ends[k + 1]}`;
    }
  }
  return data;
}
