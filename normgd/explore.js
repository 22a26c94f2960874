// The explorer's front end: a start to drag, sliders, and paths that are iterated here.
//
// What it iterates is the library's own code, traced and printed by Python (normgd/pixels.py), and
// what it draws on is Python's picture (normgd/explore.py). It asks for `model` as anywidget does;
// a page without a kernel gives a stand-in. It imports nothing and needs no build.

// ------------------------------------------------------------------------------------ numbers

/** Turn the traced code of a landscape and its rules into functions. */
function compile({ prelude, value, rules }) {
  const make = (parameters, body) =>
    new Function(`"use strict"; ${prelude}; return (${parameters}) => {\n${body}\n};`)();
  return { value: make("w", value), steps: rules.map((rule) => make("w, m, t, p", rule.step)) };
}

/** Iterate one rule; stop before the first iterate that is not finite and tell its number. */
function trajectory(step, memory, rates, start, steps) {
  let w = [...start];
  let m = Array(memory).fill(0);
  const path = [w];
  for (let t = 0; t < steps; t++) {
    [w, m] = step(w, m, t, rates);
    if (!w.every(Number.isFinite)) return { path, diverged: t + 1 };
    path.push(w);
  }
  return { path, diverged: null };
}

const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** Say how a run ended. The note under the table states these criteria to the reader. */
function fate({ path, diverged }, box, minimisers) {
  if (diverged !== null) return `diverged at step ${diverged}`;
  const last = path.at(-1);
  if (last.some((x, i) => x < box[i][0] || x > box[i][1])) return "outside";
  const tail = path.slice(-11);
  const near = (box[0][1] - box[0][0]) / 1000;
  if (tail.length > 10 && minimisers.some((p) => tail.every((w) => distance(w, p) < near))) return "landed";
  const steps = tail.slice(1).map((w, i) => [w[0] - tail[i][0], w[1] - tail[i][1]]);
  if (steps.length && steps.at(-1).every((x) => x === 0)) return "at rest";
  const back = steps.slice(1).every((s, i) => s[0] * steps[i][0] + s[1] * steps[i][1] < 0);
  if (steps.length === 10 && back) return "bouncing";
  return "on its way";
}

const LANDED = "Landed: the last ten steps stayed within a thousandth of the picture’s width of a minimiser.";
const BOUNCING = "Bouncing: each of the last ten steps turned back by more than a right angle.";

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

let explorers = 0; // gives the labels on a page distinct ids

function render({ model, el }) {
  const plot = model.get("plot");
  const { box, frame, minimisers } = plot;
  const [left, top, width, height] = frame;
  const program = compile(plot);
  const floor = minimisers.length ? Math.min(...minimisers.map(program.value)) : 0;
  const state = {};
  const names = ["start", "rates", "steps", "shown"];
  for (const name of names) state[name] = model.get(name);
  const id = `normgd-${++explorers}`;

  // Python's picture, out of the page or, live, out of the model. It is copied, and takes its place
  // again only when all is ready: nothing flashes, and if anything fails the page still has it.
  let body = el.querySelector(".normgd-body")?.cloneNode(true);
  if (!body) {
    const template = element("template");
    template.innerHTML = model.get("picture");
    body = template.content.firstElementChild;
  }
  const find = (selector) => body.querySelector(selector);
  const figure = find(".normgd-figure");
  const handle = find(".normgd-start");
  const lines = [...body.querySelectorAll(".normgd-paths > .normgd-rule")];
  const key = find(".normgd-key");
  const swatch = (i) => key.children[i].querySelector("svg").cloneNode(true);

  // ------------------------------------------------------------------------------- state

  let frameRequest = 0;
  const redraw = () => (frameRequest ||= requestAnimationFrame(draw));

  let saving = 0;
  const save = () => {
    saving = 0;
    model.save_changes();
  };

  function change(name, value) {
    state[name] = value;
    model.set(name, value);
    saving ||= setTimeout(save, 80); // a kernel need not hear of every pixel
    redraw();
  }

  function changeRate(label, name, value) {
    change("rates", { ...state.rates, [label]: { ...state.rates[label], [name]: value } });
  }

  // As many decimals as a thousandth of the picture needs.
  const decimals = box.map(([low, high]) => Math.min(100, Math.max(0, Math.ceil(3 - Math.log10(high - low)))));

  function moveTo(w) {
    const start = w.map((x, i) => Math.min(box[i][1], Math.max(box[i][0], Number(x.toFixed(decimals[i])))));
    if (start.some((x, i) => x !== state.start[i])) change("start", start);
  }

  // ---------------------------------------------------------------------------- controls

  const controls = element("div", { class: "normgd-controls", role: "group", "aria-label": "Controls" });
  controls.addEventListener("keydown", (event) => event.stopPropagation()); // a notebook has its own use for keys
  const views = []; // each brings a control up to date with the state

  function slider(parent, letter, meaning, range, get, set) {
    const name = `${id}-${views.length}`;
    const input = element("input", { id: name, type: "range", ...range });
    const output = element("output", { for: name, "aria-live": "off" });
    const label = element("label", { for: name, title: meaning }, letter);
    if (meaning) label.append(element("span", { class: "normgd-unseen" }, `, ${meaning}`));
    input.addEventListener("input", () => set(Number(input.value)));
    views.push(() => {
      const [position, text] = get(input);
      input.value = position;
      output.value = text;
      input.setAttribute("aria-valuetext", text);
    });
    parent.append(element("div", { class: "normgd-slider" }, label, input, output));
  }

  plot.rules.forEach((rule, i) => {
    const box = element("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      const chosen = (label) => (label === rule.label ? box.checked : state.shown.includes(label));
      change("shown", plot.rules.map((r) => r.label).filter(chosen));
    });
    views.push(() => (box.checked = state.shown.includes(rule.label)));
    const legend = element("legend", {}, element("label", {}, box, swatch(i), rule.label));
    const group = element("fieldset", {}, legend);
    for (const control of rule.controls) {
      const { name, letter, meaning, middle, low, high } = control;
      const rate = () => state.rates[rule.label][name];
      if (middle) {
        // Two decades to either side of the first value, in hundredths of a decade; at the left end 0.
        const position = (x) => (x > 0 ? Math.round(200 + 100 * Math.log10(x / middle)) : 0);
        const value = (k) => (k === 0 ? 0 : k === 200 ? middle : Number((middle * 10 ** (k / 100 - 2)).toPrecision(3)));
        slider(group, letter, meaning, { min: 0, max: 400, step: 1 },
          () => [position(rate()), exact(rate())], (k) => changeRate(rule.label, name, value(k)));
      } else {
        const value = (k) => Number((low + (high - low) * k / 1000).toFixed(high - low > 1 ? 2 : 3));
        slider(group, letter, meaning, { min: 0, max: 1000, step: high <= 1 ? 1000 * 0.01 / (high - low) : 1 },
          () => [1000 * (rate() - low) / (high - low), exact(rate())], (k) => changeRate(rule.label, name, value(k)));
      }
    }
    if (rule.schedules) group.append(element("div", { class: "normgd-schedule" }, rule.schedules));
    controls.append(group);
  });

  const common = element("div", { class: "normgd-common" });
  slider(common, "steps", "", { min: 1, max: 1, step: 1 }, (input) => {
    input.max = Math.max(200, 2 * plot.initial.steps, state.steps);
    return [state.steps, String(state.steps)];
  }, (k) => change("steps", k));
  const reset = element("button", { type: "button" }, "Reset");
  reset.addEventListener("click", () => {
    for (const name of names) change(name, structuredClone(plot.initial[name]));
  });
  common.append(reset);
  controls.append(common);

  // ----------------------------------------------------------------------------- readout

  const columns = ["rule", "J", ...(minimisers.length ? ["distance"] : []), "last step", "state"];
  const table = element("table", { class: "normgd-readout" });
  const caption = table.createCaption();
  const head = table.createTHead().insertRow();
  for (const title of columns) head.append(element("th", { scope: "col" }, title));
  if (minimisers.length) head.children[2].title = "to the nearest known minimiser";
  const tbody = table.createTBody();
  const rows = plot.rules.map((rule, i) => {
    const row = tbody.insertRow();
    const name = element("span", {}, rule.label, element("small", { class: "normgd-paper" }));
    row.append(element("th", { scope: "row" }, element("span", {}, swatch(i), name)));
    for (const _ of columns.slice(1)) row.insertCell();
    return row;
  });

  const chart = drawing("svg", { class: "normgd-chart", role: "img" });
  const summary = element("output", { class: "normgd-summary normgd-unseen" });
  const note = element("p", { class: "normgd-note" }, minimisers.length ? `${LANDED} ${BOUNCING}` : BOUNCING);

  key.remove();
  body.append(controls, element("div", { class: "normgd-chart-box" }, chart), table, note, summary);

  // ---------------------------------------------------------------------------- the plane

  const toPixels = (w) => [
    (w[0] - box[0][0]) / (box[0][1] - box[0][0]) * width,
    (box[1][1] - w[1]) / (box[1][1] - box[1][0]) * height,
  ];

  function fromPointer(event) {
    const bounds = figure.getBoundingClientRect();
    const scale = figure.viewBox.baseVal.width / bounds.width;
    const x = ((event.clientX - bounds.left) * scale - left) / width;
    const y = ((event.clientY - bounds.top) * scale - top) / height;
    return [box[0][0] + x * (box[0][1] - box[0][0]), box[1][1] - y * (box[1][1] - box[1][0])];
  }

  figure.setAttribute("role", "group");
  figure.setAttribute("aria-label", figure.querySelector("title").textContent.trim());
  figure.querySelectorAll("title, desc").forEach((node) => node.remove()); // no tooltip while dragging
  handle.prepend(drawing("circle", { class: "normgd-reach", r: 26, fill: "transparent" }));
  for (const [name, value] of Object.entries({
    tabindex: 0, role: "slider", "aria-label": "start of the paths, moved by the arrow keys",
    "aria-valuemin": box[0][0], "aria-valuemax": box[0][1],
  })) handle.setAttribute(name, value);

  // Browsers do not all heed touch-action within SVG: a finger on the handle must not scroll.
  handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });

  let grip = null; // from the pointer to the start, while it is held
  let held = false; // whether the click to come ends a drag
  figure.addEventListener("pointerdown", (event) => {
    const onHandle = handle.contains(event.target);
    held = false;
    // A finger on the bare plane scrolls the page; its tap moves the start.
    if (event.button !== 0 || !(onHandle || event.pointerType === "mouse")) return;
    held = true;
    const w = fromPointer(event);
    grip = onHandle ? state.start.map((x, i) => x - w[i]) : [0, 0];
    figure.setPointerCapture(event.pointerId);
    figure.classList.add("normgd-held");
    handle.focus({ preventScroll: true });
    moveTo(w.map((x, i) => x + grip[i]));
  });
  figure.addEventListener("pointermove", (event) => {
    if (grip) moveTo(fromPointer(event).map((x, i) => x + grip[i]));
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    figure.addEventListener(end, () => {
      grip = null;
      figure.classList.remove("normgd-held");
    });
  }
  figure.addEventListener("click", (event) => {
    if (!held) moveTo(fromPointer(event));
  });

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  handle.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // or the book turns the page and the notebook leaves the cell
    const part = event.shiftKey ? 10 : 100;
    moveTo(state.start.map((x, i) => x + arrow[i] * (box[i][1] - box[i][0]) / part));
  });

  function drawPath(group, { path }) {
    const far = 20 * (width + height);
    let line = "", dots = "", x0 = NaN, y0 = NaN, x = 0, y = 0;
    for (const w of path) {
      [x, y] = toPixels(w).map((z) => Math.max(-1e7, Math.min(1e7, z)));
      const reach = Math.max(Math.abs(x), Math.abs(y)) / far;
      if (reach > 1) { // towards it, as far as is drawn
        [x, y] = [x0 + (x - x0) / reach, y0 + (y - y0) / reach];
      }
      const step = Math.max(Math.abs(x - x0), Math.abs(y - y0));
      if (step < 0.3) continue;
      const place = `${x.toFixed(1)} ${y.toFixed(1)}`;
      line += `${line ? "L" : "M"}${place}`;
      if (step >= 7) dots += `M${place}h0`;
      if (reach > 1) break;
      [x0, y0] = [x, y];
    }
    const [curve, beads, mark] = group.children;
    curve.setAttribute("d", line);
    beads.setAttribute("d", dots);
    mark.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  }

  // ---------------------------------------------------------------------------- the chart

  const CHART = { left: 52, right: 12, top: 32, bottom: 38, height: 208 };
  const grid = drawing("g", { class: "normgd-grid" });
  const curves = drawing("g");
  const inside = drawing("clipPath", { id: `${id}-inside` });
  inside.append(drawing("rect", { y: CHART.top - 8, height: CHART.height - CHART.top - CHART.bottom + 16, width: "100%" }));
  chart.append(inside, grid, curves);
  const traces = lines.map((line) => {
    const trace = line.cloneNode(true);
    trace.firstChild.classList.replace("normgd-path", "normgd-trace");
    for (const part of [...trace.children].slice(0, 2)) part.setAttribute("clip-path", `url(#${id}-inside)`);
    trace.normgdMark = trace.children[2].getAttribute("d");
    curves.append(trace);
    return trace;
  });
  let chartWidth = 0;

  function drawChart(runs) {
    const inner = { width: chartWidth - CHART.left - CHART.right, height: CHART.height - CHART.top - CHART.bottom };
    if (inner.width < 20) return;
    const ceiling = 10 * Math.max(...plot.range.map(Math.abs)); // a diverging run must not flatten the others
    const level = plot.log
      ? (J) => Math.log10(Math.max(0, J - floor))
      : (J) => J;
    let stride = 1;
    let [low, high] = plot.log ? [Infinity, -Infinity] : plot.range;
    const seen = runs.map((run, i) => state.shown.includes(plot.rules[i].label) ? run.J.map(level) : []);
    if (plot.log) {
      for (const levels of seen) for (const y of levels) {
        if (y > high && y <= Math.log10(ceiling)) high = y;
        if (y < low && y > -Infinity) low = y;
      }
      // Whole decades, so that the axis stands still while the start is dragged.
      high = Number.isFinite(high) ? Math.ceil(high) : 0;
      low = Math.max(high - 16, Math.min(high - 1, Math.floor(low)));
      stride = Math.ceil((high - low) / 4);
      low = high - stride * Math.ceil((high - low) / stride);
    }
    const X = (t) => CHART.left + t / state.steps * inner.width;
    // A value off the chart is drawn just outside, where it is clipped: no flat top that looks like data.
    const Y = (y) => CHART.top + Math.min(1.2, Math.max(-0.2, (high - y) / (high - low))) * inner.height;

    traces.forEach((trace, i) => {
      const levels = seen[i];
      trace.style.display = levels.length ? "" : "none";
      // Where a bouncing run would fill the chart with strokes, its values are dots.
      const crowded = X(1) - X(0) < 5;
      let line = "", dots = "", place = "", before = NaN, beyond = false;
      levels.forEach((value, t) => {
        const y = Y(value);
        const apart = crowded && Math.abs(y - before) > 8;
        const out = value > high || value < low;
        before = y;
        if (out && beyond) return; // it left the chart earlier
        beyond = out;
        place = `${X(t).toFixed(1)} ${y.toFixed(1)}`;
        line += `${apart || !line ? "M" : "L"}${place}`;
        if (apart) dots += `M${place}h0`;
      });
      const [curve, beads, mark] = trace.children;
      curve.setAttribute("d", line);
      beads.setAttribute("d", dots);
      // A run that ends off the chart ends in an arrow that says which way it went.
      const up = beyond && levels.at(-1) > high;
      mark.setAttribute("d", beyond ? (up ? "M0-7 6 4H-6z" : "M0 7 6-4H-6z") : trace.normgdMark);
      if (beyond) place = `${place.split(" ")[0]} ${up ? CHART.top : CHART.top + inner.height}`;
      mark.setAttribute("transform", place && `translate(${place})`);
    });

    const signature = [low, high, state.steps, chartWidth].join();
    if (grid.dataset.signature === signature) return;
    grid.dataset.signature = signature;
    grid.replaceChildren();
    const foot = CHART.top + inner.height;
    const label = (x, y, anchor, text) => grid.append(drawing("text", { x, y, "text-anchor": anchor }, text));
    let rules = `M${CHART.left} ${foot}h${inner.width}`;
    const heights = plot.log
      ? Array.from({ length: (high - low) / stride + 1 }, (_, k) => high - k * stride)
      : ticks(low, high, 4);
    for (const y of heights) {
      rules += `M${CHART.left} ${Y(y).toFixed(1)}h${inner.width}`;
      label(CHART.left - 8, Y(y) + 4.5, "end", plot.log ? (y === 0 ? "1" : y === 1 ? "10" : `10${superscript(y)}`) : exact(y));
    }
    for (const t of ticks(0, state.steps, 5).filter(Number.isInteger)) label(X(t), foot + 18, "middle", String(t));
    label(CHART.left + inner.width / 2, foot + 34, "middle", "step t");
    label(2, 12, "start", minimisers.length ? "J(w) − J*" : "J(w)");
    grid.append(drawing("path", { d: rules }));
  }

  // ------------------------------------------------------------------------------- drawing

  const nearest = (w) => Math.min(...minimisers.map((p) => distance(w, p)));
  let summarising = 0;

  function draw() {
    frameRequest = 0;
    const runs = plot.rules.map((rule, i) => {
      const run = trajectory(program.steps[i], rule.memory, state.rates[rule.label], state.start, state.steps);
      return { ...run, J: run.path.map(program.value) };
    });
    views.forEach((view) => view());
    const [x, y] = toPixels(state.start);
    handle.setAttribute("transform", `translate(${(left + x).toFixed(1)} ${(top + y).toFixed(1)})`);
    handle.dataset.w = state.start.join();
    const here = `(${state.start.map(exact).join(", ")})`;
    handle.setAttribute("aria-valuenow", state.start[0]);
    handle.setAttribute("aria-valuetext", `w₁ = ${exact(state.start[0])}, w₂ = ${exact(state.start[1])}`);
    caption.textContent = `After ${state.steps} ${state.steps === 1 ? "step" : "steps"} from ${here}`;
    const said = [];
    runs.forEach((run, i) => {
      const rule = plot.rules[i];
      const shown = state.shown.includes(rule.label);
      lines[i].style.display = shown ? "" : "none";
      rows[i].classList.toggle("normgd-off", !shown);
      const cells = [...rows[i].cells].slice(1);
      const rates = rule.controls.map(({ name, letter }) => `${letter} = ${exact(state.rates[rule.label][name])}`);
      rows[i].querySelector("small").textContent = ` ${rates.join(", ")}`;
      if (!shown) return cells.forEach((cell) => (cell.textContent = "–"));
      drawPath(lines[i], run);
      const end = run.path.at(-1);
      const finite = run.diverged === null;
      const J = finite ? run.J.at(-1) : NaN;
      const last = finite ? distance(end, run.path.at(-2)) : NaN;
      const status = fate(run, box, minimisers);
      const told = [short(J), ...(minimisers.length ? [short(finite ? nearest(end) : NaN)] : []), short(last), status];
      cells.forEach((cell, k) => (cell.textContent = told[k]));
      said.push(finite ? `${rule.label}: J = ${told[0]}, ${status}.` : `${rule.label}: ${status}.`);
    });
    drawChart(runs);
    chart.setAttribute("aria-label", `J at each step. ${said.join(" ")}`);
    clearTimeout(summarising);
    summarising = setTimeout(() => (summary.value = `${caption.textContent}. ${said.join(" ")}`), 400);
  }

  // -------------------------------------------------------------------------------- life

  const listeners = names.map((name) => [`change:${name}`, () => {
    const value = model.get(name);
    if (value === state[name] || (name === "start" && grip)) return;
    state[name] = value;
    redraw();
  }]);
  for (const [event, listener] of listeners) model.on(event, listener);

  el.classList.add("normgd-explorer");
  body.classList.add("normgd-live");
  el.style.minHeight = `${el.offsetHeight}px`; // what was kept free for it, so that no text moves
  el.replaceChildren(body);
  const measure = () => {
    chartWidth = Math.round(chart.parentNode.clientWidth);
    chart.setAttribute("viewBox", `0 0 ${chartWidth} ${CHART.height}`);
  };
  measure();
  draw();
  const observer = new ResizeObserver(() => {
    if (chartWidth === Math.round(chart.parentNode.clientWidth)) return;
    el.style.minHeight = "";
    measure();
    redraw();
  });
  observer.observe(el);

  return () => {
    observer.disconnect();
    cancelAnimationFrame(frameRequest);
    clearTimeout(summarising);
    if (saving) {
      clearTimeout(saving);
      save();
    }
    for (const [event, listener] of listeners) model.off(event, listener);
  };
}

Object.assign(render, { compile, trajectory, fate }); // a test compares them with the library

export default { render };
