// What all explorers share: numbers as they are written, scales of sliders, and the page's elements.
//
// The files of this folder are one module, put together by Python in the order of its __init__.py.
// They import nothing and need no build.

// ------------------------------------------------------------------------------------ numbers

const distance = (a, b) => Math.hypot(...a.map((x, i) => x - b[i]));

const clamp = (x, low, high) => Math.max(low, Math.min(high, x));

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

// ---------------------------------------------------------------------------- the controls

/** What a slider's positions 0 .. max mean: a control's values, its first one among them. */
function scale({ middle, low, high }) {
  if (middle) {
    // Two decades to either side of the first value, in hundredths of a decade; at the left end 0.
    return {
      max: 400, step: 1,
      position: (x) => (x > 0 ? clamp(Math.round(200 + 100 * Math.log10(x / middle)), 1, 400) : 0),
      value: (k) => (k === 0 ? 0 : k === 200 ? middle : Number((middle * 10 ** (k / 100 - 2)).toPrecision(3))),
    };
  }
  const digits = high - low > 1 ? 2 : 3;
  return {
    max: 1000, step: high <= 1 ? 1000 * 0.01 / (high - low) : 1,
    position: (x) => 1000 * (x - low) / (high - low),
    value: (k) => (k === 1000 ? high : clamp(Number((low + (high - low) * k / 1000).toFixed(digits)), low, high)),
  };
}

// -------------------------------------------------------------------------------- the page

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function drawing(tag, attributes = {}, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}
