// The race: a start to drag, sliders, and the paths of rules that are iterated here.
//
// What it iterates is the library's own code, traced and printed by Python (normgd/pixels.py), and
// what it draws on is Python's picture (normgd/explore.py). The path of a rule that has no code here
// is Python's, too: in a live notebook it follows what is moved, on a page it is a still.

// ------------------------------------------------------------------------------------ numbers

/** Turn the traced code of a landscape and its rules into functions; of a rule without code, null. */
function compile({ prelude, value, samples, box, rules }) {
  const make = (parameters, body) =>
    body && new Function(`"use strict"; ${prelude}; return (${parameters}) => {\n${body}\n};`)();
  return {
    value: make("w", value) ?? (([x]) => between(samples, box[0], x)),
    steps: rules.map((rule) => make("w, m, t, p", rule.step)),
  };
}

/** The value at x between evenly spaced samples. */
function between(samples, [low, high], x) {
  const place = (x - low) / (high - low) * (samples.length - 1);
  const i = clamp(Math.floor(place), 0, samples.length - 2);
  return (samples[i] ?? NaN) + (place - i) * ((samples[i + 1] ?? NaN) - (samples[i] ?? NaN));
}

/** Iterate one rule; stop before the first iterate that is not finite and tell its number. */
function trajectory(step, { memory, tables }, rates, start, steps) {
  const settings = { ...tables, ...rates };
  let w = [...start];
  let m = Array(memory).fill(0);
  const path = [w];
  for (let t = 0; t < steps; t++) {
    [w, m] = step(w, m, t, settings);
    if (!w.every(Number.isFinite)) return { path, diverged: t + 1 };
    path.push(w);
  }
  return { path, diverged: null };
}

/** The first t steps of a run. */
function until(run, t) {
  const { path, diverged, J } = run;
  return { ...run, path: path.slice(0, t + 1), diverged: diverged <= t ? diverged : null, J: J.slice(0, t + 1) };
}

/** The two points between which the last ten steps of a run on a line went to and fro, or null. */
function cycle({ path, diverged }, box) {
  if (diverged !== null || box.length > 1 || path.length < 11) return null;
  const tail = path.slice(-11).map(([x]) => x);
  const near = 1e-9 * (box[0][1] - box[0][0]);
  const back = tail.slice(2).every((x, i) => Math.abs(x - tail[i]) <= near);
  return back && Math.abs(tail[10] - tail[9]) > near ? tail.slice(-2).sort((x, y) => x - y) : null;
}

/** Say how a run ended. The note under the table states these criteria to the reader. */
function fate(run, box, minimisers) {
  const { path, diverged } = run;
  if (diverged !== null) return `diverged at step ${diverged}`;
  const last = path.at(-1);
  if (last.some((x, i) => x < box[i][0] || x > box[i][1])) return "outside";
  const tail = path.slice(-11);
  const near = (box[0][1] - box[0][0]) / 1000;
  if (tail.length > 10 && minimisers.some((p) => tail.every((w) => distance(w, p) < near))) return "landed";
  const steps = tail.slice(1).map((w, i) => w.map((x, k) => x - tail[i][k]));
  if (steps.length && steps.at(-1).every((x) => x === 0)) return "at rest";
  const ends = cycle(run, box);
  if (ends) return ends.map(short).join(" ⇄ ");
  const back = steps.slice(1).every((s, i) => s.reduce((sum, x, k) => sum + x * steps[i][k], 0) < 0);
  if (steps.length === 10 && back) return "bouncing";
  return "on its way";
}

const LANDED = "Landed: the last ten steps stayed within a thousandth of the whole picture’s width of a minimiser.";
const CYCLE = "⇄: the last ten steps went to and fro between these two points.";
const BOUNCING = {
  1: "Bouncing: each of the last ten steps turned back.",
  2: "Bouncing: each of the last ten steps turned back by more than a right angle.",
};

// ------------------------------------------------------------------------------ the scenes

/** The part of the box that is seen: so many times enlarged about a point, and within the box. */
function part(box, [factor, ...centre]) {
  return box.map(([low, high], i) => {
    const half = (high - low) / 2 / factor;
    const middle = clamp(centre[i], low + half, high - half);
    return [middle - half, middle + half];
  });
}

/** Where a picture shows a point w of height J, which w it shows at a place, and how a step is drawn. */
function scene(names, [across, up], [, , width, height], place, leg) {
  return {
    names, across, up, width, height,
    toPixels(w, J) {
      const [x, y] = place(w, J);
      return [(x - across[0]) / (across[1] - across[0]) * width, (up[1] - y) / (up[1] - up[0]) * height];
    },
    /** From parts of the picture's width and height. */
    fromPicture: (x, y) => [across[0] + x * (across[1] - across[0]), up[1] - y * (up[1] - up[0])],
    leg: (...ends) => leg(...ends).map((part) => (part.toFixed ? part.toFixed(1) : part)).join(" "),
  };
}

const SCENES = {
  plane: ({ names, frame }, seen) => scene(names, seen, frame, (w) => w, (x0, y0, x, y) => ["L", x, y]),
  // On a curve a step is a hop: along the curve, the steps to and fro would hide one another.
  line: ({ names, frame }, seen, up) => scene(names, [...seen, up], frame, ([x], J) => [x, J], (x0, y0, x, y) =>
    ["Q", (x0 + x) / 2, (y0 + y) / 2 - Math.abs(x - x0) / 3, x, y]),
  // From w on the diagonal up or down to the next w, and across to the diagonal.
  cobweb: ({ names, frame }, [seen]) => scene([names[0], `next ${names[0]}`], [seen, seen], frame, ([x]) => [x, x],
    (x0, y0, x, y) => ["L", x0, y, "L", x, y]),
};

/** The heights to show of a curve: all, and below them room for the lines from a cycle down to the axis. */
function reach(values) {
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const room = (high - low) / 16 || 1;
  return [low - 3 * room, high + room];
}

/** The values at which to draw contours, as in Python: geometric above a known minimum, else quantiles. */
function levels(values, floor, known) {
  const sorted = Float64Array.from(values.filter(Number.isFinite)).sort();
  const quantile = (q) => sorted[Math.round(q * (sorted.length - 1))];
  const [low, high] = [quantile(0.004) - floor, quantile(0.985) - floor];
  const parts = Array.from({ length: 15 }, (_, k) => k / 14);
  if (known && low > 0) return parts.map((x) => floor + low * (high / low) ** x);
  return [...new Set(parts.map((x) => quantile(0.02 + 0.96 * x)))];
}

/** An axis: its ticks as pairs of a place and a text, and its name, less a base if texts were too long. */
function axis(name, [low, high]) {
  const texts = (base) => ticks(low - base, high - base, 6).map((x) => [x + base, exact(x)]);
  const plain = texts(0);
  if (plain.every(([, text]) => text.length <= 5)) return { name, marks: plain };
  const unit = 10 ** Math.floor(Math.log10(high - low));
  const base = Number((Math.round((low + high) / 2 / unit) * unit).toPrecision(12));
  return { name: `${name} ${base < 0 ? "+" : "−"} ${minus(String(Math.abs(base)))}`, base, marks: texts(base) };
}

/** Draw the axes of a scene, as Python draws those of the whole. */
function axes({ names, across, up, fromPicture, width, height }, [left, top]) {
  const [right, upward] = [axis(names[0], across), axis(names[1], up)];
  const foot = top + height;
  const label = (x, y, anchor, text, more = {}) => drawing("text", { x, y, "text-anchor": anchor, ...more }, text);
  const name = { class: "normgd-name", "font-size": 15 };
  const beside = names[1] === "w₂" && !upward.base; // in the plane's margin there is room for a short name
  const texts = [
    label(left + width / 2, foot + 36, "middle", right.name, name),
    beside ? label(10, top + height / 2, "middle", upward.name, name) : label(2, top > 20 ? 16 : 8, "start", upward.name, name),
  ];
  let lines = `M${left} ${top}h${width}v${height}h${-width}z`;
  for (const [x, text] of right.marks) {
    const place = left + (x - across[0]) / (across[1] - across[0]) * width;
    lines += `M${place.toFixed(1)} ${foot}v5`;
    texts.push(label(place, foot + 19, "middle", text));
  }
  for (const [y, text] of upward.marks) {
    const place = top + (up[1] - y) / (up[1] - up[0]) * height;
    lines += `M${left} ${place.toFixed(1)}h-5`;
    if (!beside || Math.abs(place - top - height / 2) > 12) texts.push(label(left - 9, place + 4.5, "end", text));
  }
  return [drawing("path", { d: lines, class: "normgd-axes", fill: "none" }), ...texts];
}

/** Draw the landscape of a plane or of a line. */
function landscape(plot, view, value) {
  const { width, height } = view;
  const group = drawing("g", { class: "normgd-contours", transform: "scale(.25)", fill: "none", stroke: "currentColor", "stroke-linejoin": "round", "stroke-linecap": "round" });
  const path = (d, more) => group.append(drawing("path", { d, ...more }));
  if (plot.kind === "line") {
    let data = "";
    for (let x = 0, pen = "M"; x <= width; x++) {
      const w = view.fromPicture(x / width, 0).slice(0, 1);
      const y = clamp(4 * view.toPixels(w, value(w))[1], -1e6, 1e6);
      if (!Number.isNaN(y)) data += `${pen}${4 * x} ${y.toFixed(0)}`;
      pen = Number.isNaN(y) ? "M" : "L";
    }
    path(data, { "stroke-opacity": 0.55, "stroke-width": 6 });
  } else {
    const size = 4; // pixels, of which the frame has a multiple
    const heights = Array.from({ length: height / size + 1 }, (_, i) => Array.from({ length: width / size + 1 },
      (_, j) => value(view.fromPicture(j * size / width, i * size / height))));
    const floor = plot.minimisers.length ? Math.min(...plot.minimisers.map(value)) : 0;
    const chosen = levels(heights.flat(), floor, plot.minimisers.length > 0);
    while (heights.length < heights[0].length) heights.push([]);
    path(contours(heights, chosen, 4 * size), { "stroke-opacity": 0.3, "stroke-width": 4.2 }); // at 4 Chromium dots the joints
  }
  const crosses = plot.minimisers.map((w) => view.toPixels(w, value(w)).map((z) => z.toFixed(1)).join(" "));
  const data = crosses.map((place) => `M${place}m-5-5l10 10m-10 0l10-10`).join("");
  return [group, drawing("path", { class: "normgd-minimisers", d: data, fill: "none", stroke: "currentColor", "stroke-width": 2.5 })];
}

/** The part of a leg that is within `far` of the picture's corner, or null. Liang, Barsky, 1984. */
function clip([x0, y0], [x, y], far) {
  let enter = 0, leave = 1;
  for (const [from, by] of [[x0, x - x0], [y0, y - y0]]) {
    const [a, b] = [(-far - from) / by, (far - from) / by];
    if (by === 0 && Math.abs(from) > far) return null;
    if (by === 0) continue;
    enter = Math.max(enter, Math.min(a, b));
    leave = Math.min(leave, Math.max(a, b));
  }
  const at = (s) => [x0 + s * (x - x0), y0 + s * (y - y0)];
  return enter < leave ? [enter > 0 ? at(enter) : [x0, y0], leave < 1 ? at(leave) : [x, y]] : null;
}

// ---------------------------------------------------------------------- settings in a link
//
// "explore&1.start=-1.5,2&1.ngd.eta=0.1&1.steps=90&1.hide=gd": of the first explorer of a page,
// what differs from what the page shows at first. A link is anybody's text: what is read is one
// of these keys with a number in its range, or it is passed over.

const NUMBER = /^-?\d{1,25}(\.\d{1,25})?(e[+-]?\d{1,3})?$/;

/** Write the settings of the explorer of this number as pairs of key and value. */
function writeSettings(number, state, { initial, rules }) {
  const pairs = [];
  const put = (key, value) => pairs.push([`${number}.${key}`, String(value)]);
  const changed = (name) => String(state[name]) !== String(initial[name]);
  if (changed("start")) put("start", state.start);
  for (const { label, controls } of rules) {
    for (const { name } of controls) {
      const rate = state.rates[label][name];
      if (rate !== initial.rates[label][name]) put(`${label}.${name}`, rate);
    }
  }
  for (const name of ["steps", "t", "zoom"]) if (changed(name)) put(name, state[name]);
  if (changed("cobweb")) put("cobweb", Number(state.cobweb));
  for (const { label } of rules) {
    if (state.shown.includes(label) !== initial.shown.includes(label)) {
      put(state.shown.includes(label) ? "show" : "hide", label);
    }
  }
  return pairs;
}

/** Read the settings of the explorer of this number out of a link's fragment, without its #. */
function readSettings(number, fragment, { initial, rules, box, most, value: code }) {
  const state = structuredClone(initial);
  if (!fragment.startsWith("explore&")) return state;
  const pairs = new URLSearchParams(fragment.slice("explore&".length));
  const numbers = (key) => (pairs.get(`${number}.${key}`) ?? "").split(",", 4).map((text) =>
    (NUMBER.test(text) ? Number(text) : NaN));
  const isPoint = (w) => w.length === box.length && w.every((x, i) => x >= box[i][0] && x <= box[i][1]);
  const count = (key, low, high) => {
    const [n, more] = numbers(key);
    if (more === undefined && Number.isInteger(n) && n >= low && n <= high) state[key] = n;
  };
  const start = numbers("start");
  if (isPoint(start)) state.start = start;
  for (const { label, controls, step } of rules) {
    if (!step) continue;
    for (const control of controls) {
      const [rate, more] = numbers(`${label}.${control.name}`);
      const { value, max } = scale(control);
      if (more === undefined && rate >= value(0) && rate <= value(max)) state.rates[label][control.name] = rate;
    }
  }
  count("steps", 1, most.steps);
  count("t", 0, state.steps - 1);
  if (box.length === 1 && /^[01]$/.test(pairs.get(`${number}.cobweb`))) state.cobweb = pairs.get(`${number}.cobweb`) === "1";
  const [factor, ...centre] = numbers("zoom");
  if (code && factor >= 1 && factor <= most.zoom && isPoint(centre)) state.zoom = [factor, ...centre];
  const [show, hide] = ["show", "hide"].map((key) => new Set(pairs.getAll(`${number}.${key}`)));
  state.shown = rules.map(({ label }) => label).filter((label) =>
    (initial.shown.includes(label) || show.has(label)) && !hide.has(label));
  return state;
}

/** The Python code that computes what is seen. */
function python(plot, state) {
  const start = state.start.length > 1 ? `(${state.start.join(", ")})` : state.start[0];
  const calls = plot.rules.filter(({ label }) => state.shown.includes(label)).map((rule) => {
    const code = rule.python.replace(/\{(\w+)\}/g, (_, name) => state.rates[rule.label][name]);
    return `ng.descend(${plot.python}, ${start}, ${code}, steps=${state.steps})`;
  });
  return ["import normgd as ng", ...calls].join("\n");
}

// ------------------------------------------------------------------------------ the losses

/** The chart of J at each step: its node, and what measures and draws it. `lines` give the rules' looks. */
function losses(plot, lines, id) {
  const CHART = { left: 52, right: 12, top: 32, bottom: 38, height: 208 };
  const node = drawing("svg", { class: "normgd-chart", role: "img" });
  const grid = drawing("g", { class: "normgd-grid" });
  const curves = drawing("g");
  const inside = drawing("clipPath", { id: `${id}-inside` });
  inside.append(drawing("rect", { y: CHART.top - 8, height: CHART.height - CHART.top - CHART.bottom + 16, width: "100%" }));
  const present = drawing("path", { class: "normgd-now" });
  node.append(inside, grid, present, curves);
  const traces = lines.map((line) => {
    const trace = line.cloneNode(true);
    trace.firstChild.classList.replace("normgd-path", "normgd-trace");
    for (const part of [...trace.children].slice(0, 2)) part.setAttribute("clip-path", `url(#${id}-inside)`);
    trace.normgdMark = trace.children[2].getAttribute("d");
    curves.append(trace);
    return trace;
  });
  let width = 0;

  /** Take the width there is, and tell whether it is another. */
  function measure() {
    const before = width;
    width = Math.round(node.parentNode.clientWidth);
    node.setAttribute("viewBox", `0 0 ${width} ${CHART.height}`);
    return width !== before;
  }

  /** Draw the values of the runs, of those not seen []; `now` is the step at which all else is seen. */
  function draw(values, floor, steps, now) {
    const inner = { width: width - CHART.left - CHART.right, height: CHART.height - CHART.top - CHART.bottom };
    if (inner.width < 20) return;
    const ceiling = 10 * Math.max(...plot.range.map(Math.abs)); // a diverging run must not flatten the others
    const level = plot.log
      ? (J) => Math.log10(Math.max(0, J - floor))
      : (J) => J;
    let stride = 1;
    let [low, high] = plot.log ? [Infinity, -Infinity] : plot.range;
    const seen = values.map((run) => run.map(level));
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
    const X = (t) => CHART.left + t / steps * inner.width;
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

    present.setAttribute("d", now < steps ? `M${X(now).toFixed(1)} ${CHART.top}v${inner.height}` : "");
    const signature = [low, high, steps, width].join();
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
    for (const t of ticks(0, steps, 5).filter(Number.isInteger)) label(X(t), foot + 18, "middle", String(t));
    label(CHART.left + inner.width / 2, foot + 34, "middle", "step t");
    label(2, 12, "start", plot.log && plot.minimisers.length ? "J(w) − J*" : "J(w)");
    grid.append(drawing("path", { d: rules }));
  }

  return { node, measure, draw };
}

// -------------------------------------------------------------------------------- the race

function race({ model, el }) {
  const plot = model.get("plot");
  const live = Boolean(model.get("live"));
  if (!live && plot.rules.every((rule) => !rule.step)) return () => {}; // a still, whose picture says so
  const { box, frame, minimisers } = plot;
  const [left, top, width, height] = frame;
  const program = compile(plot);
  const floor = plot.log && minimisers.length ? Math.min(...minimisers.map(program.value)) : 0;
  const names = Object.keys(plot.initial);
  const state = {};
  for (const name of names) state[name] = model.get(name);
  // Notebooks load this module once for each explorer: a counter would begin again every time.
  const id = `normgd-${Math.random().toString(36).slice(2)}`;

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
  const chart = losses(plot, lines, id);

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

  /** Round a point to the decimals that a thousandth of the picture needs, and keep it in the box. */
  function settle(w, seen) {
    return w.map((x, i) => {
      const decimals = Math.min(100, Math.max(0, Math.ceil(3 - Math.log10(seen[i][1] - seen[i][0]))));
      // Adding 0 makes of -0 a 0, which a link and Python write alike.
      return clamp(Number(x.toFixed(decimals)), ...box[i]) + 0;
    });
  }

  function moveTo(w) {
    if (!w.every(Number.isFinite)) return; // a picture that has no size yet
    const start = settle(w, part(box, state.zoom));
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

  function button(parent, text, title, action) {
    const made = element("button", { type: "button", ...(title && { "aria-label": title, title }) }, text);
    made.addEventListener("click", action);
    parent.append(made);
    return made;
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
    const told = [];
    for (const control of rule.controls) {
      const { name, letter, meaning } = control;
      const { max, step, position, value } = scale(control);
      const rate = () => state.rates[rule.label][name];
      if (rule.step || live) {
        slider(group, letter, meaning, { min: 0, max, step },
          () => [position(rate()), exact(rate())], (k) => changeRate(rule.label, name, value(k)));
      } else told.push(`${letter} = ${exact(rate())}`);
    }
    if (rule.schedules) told.push(rule.schedules);
    if (told.length) group.append(element("div", { class: "normgd-schedule" }, told.join(", ")));
    controls.append(group);
  });

  const common = element("div", { class: "normgd-common" });
  slider(common, "steps", "", { min: 1, max: 1, step: 1 }, (input) => {
    input.max = Math.min(plot.most.steps, Math.max(200, 2 * plot.initial.steps, state.steps));
    return [state.steps, String(state.steps)];
  }, (k) => change("steps", k));
  if (plot.value) zoomButtons();
  button(common, "Reset", "", () => {
    stop();
    for (const name of names) change(name, structuredClone(plot.initial[name]));
  });
  const copy = button(common, "Copy as Python", "", async () => {
    code.value = python(plot, state);
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
  if (box.length === 1) {
    const web = button(common, "Cobweb", "", () => change("cobweb", !state.cobweb));
    views.push(() => web.setAttribute("aria-pressed", String(state.cobweb)));
  }
  const code = element("textarea", { class: "normgd-code", readonly: "", rows: 1 + plot.rules.length, "aria-label": "Python code", hidden: "" });
  common.append(code);
  controls.append(common);

  // --------------------------------------------------------------------------------- time

  let playing = null; // the step that is seen and the request for the next frame, while it plays

  const atStep = () => Math.min(playing?.t ?? state.t ?? Infinity, state.steps);

  function stop() {
    if (playing) cancelAnimationFrame(playing.request);
    playing = null;
  }

  function goTo(t) {
    stop();
    change("t", t < state.steps ? Math.max(0, t) : null);
  }

  /** Make the steps one after another, in five seconds or, if they are many, one in a frame. */
  function play() {
    const first = atStep() < state.steps ? atStep() : 0;
    const begin = performance.now();
    const tick = (time) => {
      const t = first + Math.floor(Math.max(0, time - begin) / 1000 * Math.min(60, state.steps / 5));
      if (t >= state.steps) return goTo(Infinity);
      playing = { t, request: requestAnimationFrame(tick) };
      redraw();
    };
    tick(begin);
  }

  const time = element("div", { class: "normgd-time", role: "group", "aria-label": "Time" });
  const player = button(time, "Play", "Play", () => (playing ? goTo(playing.t) : play()));
  player.className = "normgd-play";
  views.push(() => {
    player.textContent = playing ? "Pause" : "Play";
    player.setAttribute("aria-label", player.title = player.textContent);
  });
  button(time, "−1", "−1: one step back", () => goTo(atStep() - 1));
  button(time, "+1", "+1: one step on", () => goTo(atStep() + 1));
  slider(time, "t", "step that is shown", { min: 0, max: 1, step: 1 }, (input) => {
    input.max = state.steps;
    return [atStep(), String(atStep())];
  }, goTo);
  time.addEventListener("keydown", (event) => event.stopPropagation());
  figure.after(time);

  // --------------------------------------------------------------------------------- zoom

  /** Enlarge the picture so many times; the point stays at this part of the picture's width and height. */
  function zoomTo(factor, w, at) {
    factor = clamp(Number(factor.toPrecision(6)), 1, plot.most.zoom);
    if (factor === 1) return change("zoom", plot.initial.zoom);
    const centre = w.map((x, i) => x + (0.5 - at[i]) * (box[i][1] - box[i][0]) / factor);
    const seen = part(box, [factor, ...centre]);
    change("zoom", [factor, ...settle(seen.map(([low, high]) => (low + high) / 2), seen)]);
  }

  function zoomButtons() {
    const middle = box.map(() => 0.5);
    const group = element("span", { class: "normgd-zoom", role: "group", "aria-label": "Zoom" });
    button(group, "+", "Zoom in on the end of the first path", () => {
      const first = plot.rules.findIndex(({ label }) => state.shown.includes(label));
      const end = runs[first] ? until(runs[first], atStep()).path.at(-1) : state.start;
      zoomTo(2 * state.zoom[0], end.map((x, i) => clamp(x, ...box[i])), middle);
    });
    const out = button(group, "−", "Zoom out", () => zoomTo(state.zoom[0] / 2, state.zoom.slice(1), middle));
    views.push(() => out.setAttribute("aria-disabled", String(state.zoom[0] === 1)));
    common.append(group);
    // A wheel alone scrolls the page; two fingers apart on a touchpad are a wheel with Ctrl.
    figure.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const [x, y] = fromPointer(event);
      const w = view.fromPicture(x, y).slice(0, box.length);
      zoomTo(state.zoom[0] * 2 ** (-clamp(event.deltaY, -100, 100) / 100), w, [x, 1 - y]);
    }, { passive: false });
  }

  // Python's picture is of the whole; what else is seen of the landscape is drawn here.
  const pythons = [...figure.querySelectorAll(":scope > text, .normgd-axes, .normgd-contours, .normgd-minimisers")];
  const own = { axes: drawing("g"), landscape: drawing("g"), drawn: "" };
  figure.prepend(own.axes);
  find(".normgd-paths").before(own.landscape);
  const about = find("title").textContent.trim();
  let view;

  function look() {
    const { zoom, cobweb } = state;
    if (own.drawn === `${zoom} ${cobweb}`) return;
    own.drawn = `${zoom} ${cobweb}`;
    const seen = part(box, zoom);
    const whole = zoom[0] === 1;
    const [[low, high]] = seen;
    const heights = () => reach(Array.from({ length: width + 1 }, (_, x) => program.value([low + x / width * (high - low)])));
    const kind = cobweb ? "cobweb" : plot.kind;
    view = SCENES[kind](plot, seen, whole ? plot.window[1] : kind === "line" && heights());
    for (const node of pythons) node.style.display = whole && !cobweb ? "" : "none";
    own.axes.replaceChildren(...(whole && !cobweb ? [] : axes(view, frame)));
    own.landscape.replaceChildren(...(whole || cobweb ? [] : landscape(plot, view, program.value)));
    const name = cobweb ? `${plot.rules.map((rule) => rule.label).join(", ")}: cobweb of w and the next w` : about;
    figure.setAttribute("aria-label", whole ? name : `${name} Enlarged ${exact(zoom[0])} times.`);
  }

  // ------------------------------------------------------------------------------ cobweb

  /** Draw the map from w to the next w of a rule that has no memory and does not look at the time. */
  function drawMap(path, i) {
    const rule = plot.rules[i];
    const seen = state.cobweb && rule.step && !rule.memory && !/\bt\b/.test(rule.step);
    let data = "", before = NaN, slope = Infinity;
    for (let x = 0; seen && x <= width; x++) {
      const [w] = view.fromPicture(x / width, 0);
      const y = view.toPixels(program.steps[i]([w], [], 0, state.rates[rule.label])[0])[1];
      // A leap, as at the bottom of a curve for a step of constant length, is no part of the map.
      const rise = Math.abs(y - before);
      const joined = rise <= 4 * slope + 2;
      if (Math.abs(y) < 1e6) data += `${joined ? "L" : "M"}${x} ${y.toFixed(1)}`;
      before = y;
      if (joined) slope = rise;
    }
    path.setAttribute("d", data);
  }

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

  const summary = element("output", { class: "normgd-summary normgd-unseen" });
  const criteria = [...(minimisers.length ? [LANDED] : []), ...(box.length === 1 ? [CYCLE] : []), BOUNCING[box.length]];
  const note = element("p", { class: "normgd-note" }, criteria.join(" "));

  body.append(controls, element("div", { class: "normgd-chart-box" }, chart.node), table, note, ...formulas(), summary);

  /** The rules' formulas, folded: MathML, which MathJax sets like the rest of its page. */
  function formulas() {
    const list = element("dl");
    plot.rules.forEach(({ label, formula }, i) => {
      if (!formula.length) return;
      const equations = element("dd");
      equations.innerHTML = formula.map((line) => `<math display="block">${line}</math>`).join("");
      list.append(element("dt", {}, swatch(i), label), equations);
    });
    const frame = element("div", { tabindex: 0, role: "group", "aria-label": "Formulas" }, list); // it may scroll
    const folded = element("details", { class: "normgd-formulas" }, element("summary", {}, "Formulas"), frame);
    folded.addEventListener("toggle", () => window.MathJax?.typesetPromise?.([list]));
    return list.hasChildNodes() ? [folded] : [];
  }
  key.remove();

  // -------------------------------------------------------------------------- the picture

  /** Where the pointer is, in parts of the picture's width and height. */
  function fromPointer(event) {
    const bounds = figure.getBoundingClientRect();
    const scale = figure.viewBox.baseVal.width / bounds.width;
    return [((event.clientX - bounds.left) * scale - left) / width, ((event.clientY - bounds.top) * scale - top) / height];
  }
  const pointed = (event) => view.fromPicture(...fromPointer(event)).slice(0, box.length);

  figure.setAttribute("role", "group");
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
    const w = pointed(event);
    grip = state.start.map((x, i) => (onHandle ? x - w[i] : 0));
    figure.setPointerCapture(event.pointerId);
    figure.classList.add("normgd-held");
    handle.focus({ preventScroll: true });
    moveTo(w.map((x, i) => x + grip[i]));
  });
  figure.addEventListener("pointermove", (event) => {
    if (grip) moveTo(pointed(event).map((x, i) => x + grip[i]));
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    figure.addEventListener(end, () => {
      grip = null;
      figure.classList.remove("normgd-held");
    });
  }
  figure.addEventListener("click", (event) => {
    if (!held) moveTo(pointed(event));
  });

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  handle.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // or the book turns the page and the notebook leaves the cell
    const share = event.shiftKey ? 10 : 100;
    const move = box.length === 1 ? [arrow[0] + arrow[1]] : arrow;
    const seen = part(box, state.zoom);
    moveTo(state.start.map((x, i) => x + move[i] * (seen[i][1] - seen[i][0]) / share));
  });

  const cycles = lines.map((line) => {
    const marks = drawing("path", { class: "normgd-cycle", fill: "none" });
    line.append(marks);
    return marks;
  });
  const later = lines.map((line) => { // what is yet to come, below all that has been
    const trail = line.cloneNode(true);
    trail.classList.add("normgd-later");
    trail.firstChild.removeAttribute("data-rule");
    lines[0].parentNode.insertBefore(trail, lines[0]);
    return trail;
  });

  const diagonal = drawing("path", { class: "normgd-diagonal" });
  lines[0].parentNode.prepend(diagonal);
  const maps = lines.map((line) => {
    const group = line.cloneNode(false);
    const map = drawing("path", { class: "normgd-map", fill: "none" });
    group.append(map);
    diagonal.after(group);
    return map;
  });

  /** Mark the two points of a cycle, and where they are on the axis. */
  function drawCycle(marks, run) {
    const places = (cycle(run, box) ?? []).map((x) => view.toPixels([x], program.value([x])).map((z) => z.toFixed(1)));
    marks.setAttribute("d", places.map(([x, y]) => `M${x} ${y}m-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0M${x} ${y}m0 7V${height}`).join(""));
  }

  function drawPath(group, { path, J }) {
    const far = 20 * (width + height);
    let line = "", dots = "", pen = [NaN, NaN], before = null, mark = [0, 0];
    for (const [t, w] of path.entries()) {
      const at = view.toPixels(w, J[t]).map((z) => clamp(z, -1e7, 1e7));
      if (at.some(Number.isNaN)) break; // J is not defined there
      mark = at;
      before ??= at;
      const step = Math.max(Math.abs(at[0] - before[0]), Math.abs(at[1] - before[1]));
      if (step < 0.3) continue;
      const leg = clip(before, at, far);
      before = at;
      if (!leg) continue;
      const [from, to] = leg;
      const place = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
      if (from[0] !== pen[0] || from[1] !== pen[1]) line += `M${place(from)}`;
      line += view.leg(...from, ...to);
      if (step >= 7) dots += `M${place(to)}h0`;
      mark = to;
      pen = to;
    }
    const [curve, beads, end] = group.children;
    curve.setAttribute("d", line);
    beads.setAttribute("d", dots);
    end.setAttribute("transform", `translate(${mark.map((z) => z.toFixed(1)).join(" ")})`);
  }

  // ------------------------------------------------------------------------------- drawing

  const nearest = (w) => Math.min(...minimisers.map((p) => distance(w, p)));
  let runs = [];
  let summarising = 0;

  /** The run of a rule; Python's may be of other settings: then it is old. */
  function runOf(rule, i) {
    const { start, steps } = state;
    const rates = state.rates[rule.label];
    if (rule.step) {
      const run = trajectory(program.steps[i], rule, rates, start, steps);
      return { ...run, J: run.path.map(program.value), old: false };
    }
    const run = model.get("computed")[rule.label];
    const of = (settings) => JSON.stringify([settings.start, rule.controls.map(({ name }) => settings.rates[name])]);
    const old = of(run) !== of({ start, rates }) || (run.steps < steps && run.diverged === null);
    return until({ ...run, J: run.J.map((x) => x ?? NaN), old }, steps);
  }

  function draw() {
    frameRequest = 0;
    look();
    runs = plot.rules.map(runOf);
    views.forEach((view) => view());
    const place = view.toPixels(state.start, program.value(state.start));
    const [x, y] = [clamp(place[0], 0, width), clamp(place[1], 0, height)];
    handle.setAttribute("transform", `translate(${(left + x).toFixed(1)} ${(top + y).toFixed(1)})`);
    handle.classList.toggle("normgd-beyond", x !== place[0] || y !== place[1]);
    handle.dataset.w = state.start.join();
    const here = box.length > 1 ? `(${state.start.map(exact).join(", ")})` : exact(state.start[0]);
    handle.setAttribute("aria-valuenow", state.start[0]);
    handle.setAttribute("aria-valuetext", state.start.map((x, i) => `${plot.names[i]} = ${exact(x)}`).join(", "));
    const t = atStep();
    caption.textContent = `After ${t} ${t === 1 ? "step" : "steps"} from ${here}`;
    const said = [];
    runs.forEach((whole, i) => {
      const rule = plot.rules[i];
      const run = until(whole, t);
      const shown = state.shown.includes(rule.label);
      const still = whole.old && !live;
      lines[i].style.display = shown ? "" : "none";
      lines[i].classList.toggle("normgd-old", still);
      later[i].style.display = shown && whole.path.length > t + 1 ? "" : "none";
      maps[i].style.display = shown ? "" : "none";
      rows[i].classList.toggle("normgd-off", !shown);
      const cells = [...rows[i].cells].slice(1);
      const rates = rule.controls.map(({ name, letter }) => `${letter} = ${exact(state.rates[rule.label][name])}`);
      rows[i].querySelector("small").textContent = ` ${rates.join(", ")}`;
      if (!shown) return cells.forEach((cell) => (cell.textContent = "–"));
      drawPath(lines[i], run);
      drawCycle(cycles[i], run);
      drawMap(maps[i], i);
      drawPath(later[i], { path: whole.path.slice(t), J: whole.J.slice(t) });
      const end = run.path.at(-1);
      lines[i].dataset.w = end.join();
      const finite = run.diverged === null;
      const J = finite ? run.J.at(-1) : NaN;
      const last = finite && t > 0 ? distance(end, run.path.at(-2)) : NaN;
      const status = still ? "a still" : whole.old ? "…" : fate(run, box, minimisers);
      const told = [short(J), ...(minimisers.length ? [short(finite ? nearest(end) : NaN)] : []), short(last), status];
      cells.forEach((cell, k) => (cell.textContent = still && cell !== cells.at(-1) ? "–" : told[k]));
      said.push(finite && !still ? `${rule.label}: J = ${told[0]}, ${status}.` : `${rule.label}: ${status}.`);
    });
    diagonal.setAttribute("d", state.cobweb ? `M0 ${height}L${width} 0` : "");
    chart.draw(runs.map((run, i) => (state.shown.includes(plot.rules[i].label) ? run.J : [])), floor, state.steps, t);
    if (!code.hidden) code.value = python(plot, state);
    chart.node.setAttribute("aria-label", `J at each step. ${said.join(" ")}`);
    clearTimeout(summarising);
    if (!playing) summarising = setTimeout(() => (summary.value = `${caption.textContent}. ${said.join(" ")}`), 400);
  }

  // -------------------------------------------------------------------------------- life

  const listeners = names.map((name) => [`change:${name}`, () => {
    const value = model.get(name);
    if (value === state[name] || (name === "start" && grip)) return;
    state[name] = value;
    redraw();
  }]);
  listeners.push(["change:computed", redraw]);
  for (const [event, listener] of listeners) model.on(event, listener);

  el.classList.add("normgd-explorer");
  body.classList.add("normgd-live");
  el.style.minHeight = `${el.offsetHeight}px`; // what was kept free for it, so that no text moves
  el.replaceChildren(body);
  chart.measure();
  draw();
  const observer = new ResizeObserver(() => {
    if (!chart.measure()) return;
    el.style.minHeight = "";
    redraw();
  });
  observer.observe(el);

  return () => {
    observer.disconnect();
    cancelAnimationFrame(frameRequest);
    stop();
    clearTimeout(summarising);
    if (saving) {
      clearTimeout(saving);
      save();
    }
    for (const [event, listener] of listeners) model.off(event, listener);
  };
}
