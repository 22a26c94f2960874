// The panel: an explorer made of what Python declares (normgd/explorers/panel.py), values to set,
// figures with axes, marks in them.
//
// A panel's own file computes the marks' points and the numbers to be told. It gives a function of
// (plot, code), with the traced code compiled, that returns
//
//   compute(values)          { marks: {name: [[x, y], ...]}, numbers: {name: number} }, as in Python
//   tell(values, numbers)    [[term, text], ...], the read-out
//   drag[handle](xy, values) the values that a drag to a place changes
//   python(values)           the code to copy
//   draw?(find, values)      what else follows the values

// ---------------------------------------------------------------------------------- values

/** What a declared value's slider positions 0 .. max mean, and what of a link's text it takes. */
const KINDS = {
  linear: ({ low, high, step, turns, unit }) => {
    const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    const max = Math.round((high - low) / step);
    return {
      max,
      position: (x) => (x - low) / step,
      value: (k) => clamp(Number((low + (turns ? (k + max) % max : k) * step).toFixed(digits)), low, high) + 0,
      text: (x) => exact(x) + unit,
    };
  },
  log: ({ low, high }) => {
    const max = Math.round(100 * Math.log10(high / low));
    return {
      max,
      position: (x) => 100 * Math.log10(x / low),
      value: (k) => (k >= max ? high : clamp(Number((low * 10 ** (k / 100)).toPrecision(3)), low, high)),
      text: exact,
    };
  },
  whole: ({ low, high }) => ({ max: high - low, position: (x) => x - low, value: (k) => clamp(low + k, low, high), text: String }),
};

const READ = {
  linear: ({ low, high }, text) => readNumber(text, low, high),
  log: ({ low, high }, text) => readNumber(text, low, high),
  whole: ({ low, high }, text) => {
    const x = readNumber(text, low, high);
    return Number.isInteger(x) ? x : null;
  },
  choice: ({ options }, text) => (options.includes(text) ? text : null),
  point: ({ box }, text) => {
    const parts = text.split(",", box.length + 1).map((part, i) => box[i] && readNumber(part, ...box[i]));
    return parts.length === box.length && parts.every((x) => x !== null) ? parts : null;
  },
};

function readNumber(text, low, high) {
  const x = NUMBER.test(text) ? Number(text) : NaN;
  return x >= low && x <= high ? x : null;
}

/** A number in an interval, with as many decimals as a thousandth of it needs. */
function rounded(x, [low, high]) {
  const decimals = clamp(Math.ceil(3 - Math.log10(high - low)), 0, 100);
  return clamp(Number(x.toFixed(decimals)), low, high) + 0; // adding 0 makes of -0 a 0, which Python writes alike
}

const same = (a, b) => String(a) === String(b);

/** Write the values of the panel of this number that are not the first ones, as pairs. */
function writeValues(number, { values }, { initial }) {
  return Object.entries(values).filter(([name, x]) => !same(x, initial.values[name]))
    .map(([name, x]) => [`${number}.${name}`, String(x)]);
}

/** Read the values of the panel of this number out of a link's fragment; it is anybody's text. */
function readValues(number, fragment, { declared, initial }) {
  const values = { ...initial.values };
  const pairs = new URLSearchParams(fragment.startsWith("explore&") ? fragment.slice("explore&".length) : "");
  for (const value of declared) {
    const text = pairs.get(`${number}.${value.name}`);
    const read = text === null ? null : READ[value.kind](value, text);
    if (read !== null) values[value.name] = read;
  }
  return { values };
}

// -------------------------------------------------------------------------------- drawing

/** How far along an axis x is, from 0 to 1; and back. */
const share = ({ low, high, log }, x) => (log ? Math.log(x / low) / Math.log(high / low) : (x - low) / (high - low));
const along = ({ low, high, log }, part) => (log ? low * (high / low) ** part : low + part * (high - low));

const toPixels = ({ x, y, width, height }, point) => [share(x, point[0]) * width, (1 - share(y, point[1])) * height];

/** Draw points in one of the shapes of a mark. */
function drawn(shape, figure, points) {
  const places = points.map((point) => toPixels(figure, point).map((z) => clamp(z, -1e4, 1e4)));
  if (shape === "arrow") {
    const [[x0, y0], [x, y]] = places;
    const length = Math.hypot(x - x0, y - y0);
    if (!(length > 0)) return "";
    const [a, b] = [(x - x0) / length, (y - y0) / length];
    const barb = (side) => `${(x - 9 * a - side * b).toFixed(1)} ${(y - 9 * b + side * a).toFixed(1)}`;
    const tip = `${x.toFixed(1)} ${y.toFixed(1)}`;
    return `M${x0.toFixed(1)} ${y0.toFixed(1)}L${tip}M${barb(4.5)}L${tip}L${barb(-4.5)}`;
  }
  let data = "", begun = false;
  for (const [x, y] of places) {
    const known = !Number.isNaN(x) && !Number.isNaN(y);
    if (known) {
      data += `${shape === "line" && begun ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      if (shape === "dots") data += "h0";
      if (shape === "point") data += "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z";
    }
    begun = known;
  }
  return data;
}

/** Compile what Python traced. */
function compileAll({ prelude, code }) {
  return Object.fromEntries(Object.entries(code).map(([name, { parameters, body }]) =>
    [name, new Function(`"use strict"; ${prelude}; return (${parameters}) => {\n${body}\n};`)()]));
}

// ------------------------------------------------------------------------------- the panel

/** Make an explorer out of a panel's own part. */
const panel = (make) => ({ model, el }) => {
  const plot = model.get("plot");
  const { declared, figures } = plot;
  const own = make(plot, compileAll(plot));
  const kinds = Object.fromEntries(declared.map((value) => [value.name, KINDS[value.kind]?.(value)]));
  let values = model.get("values");
  // Notebooks load this module once for each explorer: a counter would begin again every time.
  const id = `normgd-${Math.random().toString(36).slice(2)}`;

  // Python's picture is copied, and takes its place again only when all is ready.
  let body = el.querySelector(".normgd-body")?.cloneNode(true);
  if (!body) {
    const template = element("template");
    template.innerHTML = model.get("picture");
    body = template.content.firstElementChild;
  }
  const find = (selector) => body.querySelector(selector);
  const drawings = Object.fromEntries(Object.keys(figures).map((name) => [name, find(`[data-figure="${name}"]`)]));

  // ------------------------------------------------------------------------------- state

  let request = 0;
  const redraw = () => (request ||= requestAnimationFrame(draw));

  let saving = 0;
  const save = () => {
    saving = 0;
    model.save_changes();
  };

  function change(changes) {
    if (Object.entries(changes).every(([name, x]) => same(x, values[name]))) return;
    values = { ...values, ...changes };
    model.set("values", values);
    saving ||= setTimeout(save, 80); // a kernel need not hear of every pixel
    redraw();
  }

  /** A value as it is read: its letter, or what it means, and what it is. */
  function written({ name, kind, letter, meaning }) {
    const value = values[name];
    const text = kind === "point" ? `(${value.map(exact).join(", ")})` : (kinds[name]?.text(value) ?? value);
    return `${letter || meaning} = ${text}`;
  }

  // ---------------------------------------------------------------------------- controls

  const controls = element("div", { class: "normgd-controls", role: "group", "aria-label": "Controls" });
  controls.addEventListener("keydown", (event) => event.stopPropagation()); // a notebook has its own use for keys
  const views = []; // each brings a control up to date with the values

  function slider({ name, letter, meaning }) {
    const { max, position, value, text } = kinds[name];
    const input = element("input", { id: `${id}-${name}`, type: "range", min: 0, max, step: 1 });
    const output = element("output", { for: input.id, "aria-live": "off" });
    const label = element("label", { for: input.id }, element("i", {}, letter), ` ${meaning}`);
    input.addEventListener("input", () => change({ [name]: value(Number(input.value)) }));
    views.push(() => {
      input.value = position(values[name]);
      output.value = text(values[name]);
      input.setAttribute("aria-valuetext", output.value);
    });
    return element("div", { class: "normgd-slider" }, label, output, input);
  }

  function radios({ name, meaning, options }) {
    const group = element("fieldset", { class: "normgd-radios" }, element("legend", {}, meaning));
    for (const option of options) {
      const input = element("input", { type: "radio", name: `${id}-${name}`, value: option });
      input.addEventListener("change", () => change({ [name]: option }));
      views.push(() => (input.checked = values[name] === option));
      group.append(element("label", {}, input, option));
    }
    return group;
  }

  for (const value of declared) {
    if (value.kind === "choice") controls.append(radios(value));
    else if (value.kind !== "point") controls.append(slider(value));
  }

  const reset = element("button", { type: "button" }, "Reset");
  reset.addEventListener("click", () => change(structuredClone(plot.initial.values)));
  const copy = element("button", { type: "button" }, "Copy as Python");
  const code = element("textarea", { class: "normgd-code", readonly: "", rows: 8, "aria-label": "Python code", hidden: "" });
  copy.addEventListener("click", async () => {
    code.value = own.python(values);
    try {
      await navigator.clipboard.writeText(code.value);
      copy.textContent = "Copied";
      summary.value = "Copied as Python.";
      setTimeout(() => (copy.textContent = "Copy as Python"), 2000);
    } catch { // some browsers have no clipboard, or keep it from pages that are files
      code.hidden = false;
      code.select();
    }
  });
  controls.append(element("div", { class: "normgd-buttons" }, reset, copy), code);

  const facts = element("dl"); // of no class: the book's theme gives those with one its own look
  const summary = element("output", { class: "normgd-summary normgd-unseen" });
  const settings = element("p", { class: "normgd-paper" }); // on paper, instead of the controls
  find(".normgd-side").append(controls, settings, element("div", { class: "normgd-facts" }, facts), summary);
  find(".normgd-about").remove(); // what it tells, the read-out tells

  // --------------------------------------------------------------------------- the handles

  let grip = null; // the handle that is held, and how far from the pointer

  function step(name, by) {
    const value = declared.find((v) => v.name === name);
    const { position, value: at } = kinds[name];
    const k = Math.round(position(values[name])) + by;
    change({ [name]: at(value.turns ? k : clamp(k, 0, kinds[name].max)) });
  }

  /** Move a coordinate of a point by a part of its box. */
  function push(name, i, by) {
    const value = declared.find((v) => v.name === name);
    const [low, high] = value.box[i];
    change({ [name]: values[name].map((x, k) => (k === i ? rounded(x + by * (high - low) / 100, value.box[i]) : x)) });
  }

  /** Where a pointer is in a figure, in its pixels from the upper left corner between the axes. */
  function placeIn(name, event) {
    const { left, top } = figures[name];
    const bounds = drawings[name].getBoundingClientRect();
    const scale = drawings[name].viewBox.baseVal.width / bounds.width;
    return [(event.clientX - bounds.left) * scale - left, (event.clientY - bounds.top) * scale - top];
  }

  /** Change what a place in a figure means. */
  function take(meaning, name, [x, y]) {
    const figure = figures[name];
    const xy = [along(figure.x, x / figure.width), along(figure.y, 1 - y / figure.height)];
    if (xy.every(Number.isFinite)) change(meaning(xy, values)); // a picture may have no size yet
  }

  // Where a panel says so, a mouse over a figure need not be pressed.
  for (const [name, meaning] of Object.entries(own.hover ?? {})) {
    drawings[name].addEventListener("pointermove", (event) => {
      const [x, y] = placeIn(name, event);
      const within = x >= 0 && x <= figures[name].width && y >= 0 && y <= figures[name].height;
      if (event.pointerType === "mouse" && !event.buttons && within) take(meaning, name, [x, y]);
    });
  }

  for (const handle of plot.handles) {
    const svg = drawings[handle.figure];
    const figure = figures[handle.figure];
    const node = svg.querySelector(`[data-handle="${handle.name}"]`);
    const across = declared.find((value) => value.name === handle.across);
    const isPoint = across.kind === "point";

    node.prepend(drawing("circle", { class: "normgd-reach", r: 26, fill: "transparent" }));
    for (const [name, value] of Object.entries({ tabindex: 0, role: "slider", "aria-label": `${handle.label}, moved by the arrow keys` })) {
      node.setAttribute(name, value);
    }
    views.push(() => {
      const told = declared.filter(({ name }) => name === handle.across || name === handle.up).map(written);
      const [low, high] = isPoint ? across.box[0] : [across.low, across.high];
      node.setAttribute("aria-valuemin", low);
      node.setAttribute("aria-valuemax", high);
      node.setAttribute("aria-valuenow", [values[handle.across]].flat()[0]);
      node.setAttribute("aria-valuetext", told.join(", "));
    });

    const fromPointer = (event) => placeIn(handle.figure, event);
    const moveTo = (place) => take(own.drag[handle.name], handle.figure, place);

    // Browsers do not all heed touch-action within SVG: a finger on the handle must not scroll.
    node.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    svg.addEventListener("pointerdown", (event) => {
      const onHandle = node.contains(event.target);
      // A mouse on the bare figure takes its first handle; a finger there scrolls the page, and its tap moves it.
      const bare = event.pointerType === "mouse" && !event.target.closest("[data-handle]") && svg.querySelector("[data-handle]") === node;
      if (event.button !== 0 || !(onHandle || bare)) return;
      const at = fromPointer(event);
      const center = toPixels(figure, own.compute(values).marks[handle.name][0]);
      grip = { node, offset: center.map((z, i) => (onHandle ? z - at[i] : 0)) };
      svg.setPointerCapture(event.pointerId);
      svg.classList.add("normgd-held");
      node.focus({ preventScroll: true });
      if (bare) moveTo(at);
    });
    svg.addEventListener("pointermove", (event) => {
      if (grip?.node === node) moveTo(fromPointer(event).map((z, i) => z + grip.offset[i]));
    });
    svg.addEventListener("click", (event) => {
      const isFirst = svg.querySelector("[data-handle]") === node;
      if (isFirst && event.pointerType === "touch" && !event.target.closest("[data-handle]")) moveTo(fromPointer(event));
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      svg.addEventListener(end, () => {
        grip = null;
        svg.classList.remove("normgd-held");
      });
    }

    const ARROWS = { ArrowLeft: ["across", -1], ArrowRight: ["across", 1], ArrowDown: ["up", -1], ArrowUp: ["up", 1] };
    node.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation(); // or the book turns the page and the notebook leaves the cell
      const by = arrow[1] * (event.shiftKey ? 10 : 1);
      if (isPoint) push(handle.across, arrow[0] === "up" ? 1 : 0, by);
      else step(handle[arrow[0]] || handle.across, by);
    });
  }

  for (const drawing of Object.values(drawings)) {
    const title = drawing.querySelector("title").textContent.trim();
    drawing.setAttribute("aria-label", title);
    if (drawing.querySelector("[data-handle]")) drawing.setAttribute("role", "group");
    drawing.querySelectorAll("title, desc").forEach((node) => node.remove()); // no tooltip while dragging
  }

  // -------------------------------------------------------------------------------- drawing

  const marks = plot.marks.map((mark) => ({ ...mark, path: find(`[data-mark="${mark.name}"]`) }));
  let summarising = 0;

  function draw() {
    request = 0;
    const { marks: points, numbers } = own.compute(values);
    for (const { name, shape, figure, path } of marks) path.setAttribute("d", drawn(shape, figures[figure], points[name]));
    for (const { name, figure } of plot.handles) {
      const [x, y] = toPixels(figures[figure], points[name][0]);
      const { left, top } = figures[figure];
      find(`[data-handle="${name}"]`).setAttribute("transform", `translate(${(left + x).toFixed(1)} ${(top + y).toFixed(1)})`);
    }
    own.draw?.(find, values);
    views.forEach((view) => view());
    settings.textContent = declared.map(written).join(", ");
    const told = own.tell(values, numbers);
    facts.replaceChildren(...told.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text))));
    if (!code.hidden) code.value = own.python(values);
    clearTimeout(summarising);
    summarising = setTimeout(() => (summary.value = told.map((pair) => pair.join(": ")).join(". ")), 400);
  }

  // -------------------------------------------------------------------------------- life

  const listener = () => {
    const now = model.get("values");
    if (now === values || grip) return;
    values = now;
    redraw();
  };
  model.on("change:values", listener);

  el.classList.add("normgd-explorer");
  body.classList.add("normgd-live");
  draw();
  el.replaceChildren(body);

  return () => {
    cancelAnimationFrame(request);
    clearTimeout(summarising);
    if (saving) {
      clearTimeout(saving);
      save();
    }
    model.off("change:values", listener);
  };
};
