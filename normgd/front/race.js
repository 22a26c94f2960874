// The race: a start to drag, sliders, and the paths of rules that are iterated here.
//
// What it iterates is the library's own code, traced and printed by Python (normgd/pixels.py), and
// what it draws on is Python's picture (normgd/explore.py).

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

/** The first t steps of a run. */
function until(run, t) {
  const { path, diverged, J } = run;
  return { path: path.slice(0, t + 1), diverged: diverged <= t ? diverged : null, J: J.slice(0, t + 1) };
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

const LANDED = "Landed: the last ten steps stayed within a thousandth of the picture’s width of a minimiser.";
const CYCLE = "⇄: the last ten steps went to and fro between these two points.";
const BOUNCING = {
  1: "Bouncing: each of the last ten steps turned back.",
  2: "Bouncing: each of the last ten steps turned back by more than a right angle.",
};

// ------------------------------------------------------------------------------ the scenes

/** Where a picture shows a point w, which w it shows at a place, and how a step is drawn. */
function scene(place, leg, [across, up], [, , width, height]) {
  return {
    toPixels(w) {
      const [x, y] = place(w);
      return [(x - across[0]) / (across[1] - across[0]) * width, (up[1] - y) / (up[1] - up[0]) * height];
    },
    /** From parts of the picture's width and height. */
    fromPicture: (x, y) => [across[0] + x * (across[1] - across[0]), up[1] - y * (up[1] - up[0])],
    leg: (...ends) => leg(...ends).map((part) => (part.toFixed ? part.toFixed(1) : part)).join(" "),
  };
}

const SCENES = {
  plane: ({ window, frame }) => scene((w) => w, (x0, y0, x, y) => ["L", x, y], window, frame),
  // On a curve a step is a hop: along the curve, the steps to and fro would hide one another.
  line: ({ window, frame }, value) => scene(([x]) => [x, value([x])], (x0, y0, x, y) =>
    ["Q", (x0 + x) / 2, (y0 + y) / 2 - Math.abs(x - x0) / 3, x, y], window, frame),
  // From w on the diagonal up or down to the next w, and across to the diagonal.
  cobweb: ({ box, frame }) => scene(([x]) => [x, x], (x0, y0, x, y) => ["L", x0, y, "L", x, y], [box[0], box[0]], frame),
};

// ---------------------------------------------------------------------- settings in a link
//
// "explore&1.start=-1.5,2&1.ngd.eta=0.1&1.steps=90&1.hide=gd": of the first explorer of a page,
// what differs from what the page shows at first. A link is anybody's text: what is read is one
// of these keys with a number in its range, or it is passed over.

const MOST_STEPS = 10000;
const NUMBER = /^-?\d{1,25}(\.\d{1,25})?(e[+-]?\d{1,3})?$/;

/** Write the settings of the explorer of this number as pairs of key and value. */
function writeSettings(number, state, { initial, rules }) {
  const pairs = [];
  const put = (key, value) => pairs.push([`${number}.${key}`, String(value)]);
  if (state.start.some((x, i) => x !== initial.start[i])) put("start", state.start);
  for (const { label, controls } of rules) {
    for (const { name } of controls) {
      const rate = state.rates[label][name];
      if (rate !== initial.rates[label][name]) put(`${label}.${name}`, rate);
    }
  }
  if (state.steps !== initial.steps) put("steps", state.steps);
  for (const { label } of rules) {
    if (state.shown.includes(label) !== initial.shown.includes(label)) {
      put(state.shown.includes(label) ? "show" : "hide", label);
    }
  }
  return pairs;
}

/** Read the settings of the explorer of this number out of a link's fragment, without its #. */
function readSettings(number, fragment, { initial, rules, box }) {
  const state = structuredClone(initial);
  if (!fragment.startsWith("explore&")) return state;
  const pairs = new URLSearchParams(fragment.slice("explore&".length));
  const numbers = (key) => (pairs.get(`${number}.${key}`) ?? "").split(",", 3).map((text) =>
    (NUMBER.test(text) ? Number(text) : NaN));
  const start = numbers("start");
  if (start.length === box.length && start.every((x, i) => x >= box[i][0] && x <= box[i][1])) state.start = start;
  for (const { label, controls } of rules) {
    for (const control of controls) {
      const [rate, more] = numbers(`${label}.${control.name}`);
      const { value, max } = scale(control);
      if (more === undefined && rate >= value(0) && rate <= value(max)) state.rates[label][control.name] = rate;
    }
  }
  const [steps, more] = numbers("steps");
  if (more === undefined && Number.isInteger(steps) && steps >= 1 && steps <= MOST_STEPS) state.steps = steps;
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

// -------------------------------------------------------------------------------- the race

function race({ model, el }) {
  const plot = model.get("plot");
  const { box, frame, minimisers, names: axes } = plot;
  const [left, top, width, height] = frame;
  const program = compile(plot);
  let web = false; // whether a line is shown as a cobweb
  let view = SCENES[box.length === 2 ? "plane" : "line"](plot, program.value);
  const floor = minimisers.length ? Math.min(...minimisers.map(program.value)) : 0;
  const state = {};
  const names = ["start", "rates", "steps", "shown"];
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
    if (!w.every(Number.isFinite)) return; // a picture that has no size yet
    // Adding 0 makes of -0 a 0, which a link and Python write alike.
    const start = w.map((x, i) => clamp(Number(x.toFixed(decimals[i])), ...box[i]) + 0);
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
      const { name, letter, meaning } = control;
      const { max, step, position, value } = scale(control);
      const rate = () => state.rates[rule.label][name];
      slider(group, letter, meaning, { min: 0, max, step },
        () => [position(rate()), exact(rate())], (k) => changeRate(rule.label, name, value(k)));
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
    goTo(Infinity);
    for (const name of names) change(name, structuredClone(plot.initial[name]));
  });
  const copy = element("button", { type: "button" }, "Copy as Python");
  const code = element("textarea", { class: "normgd-code", readonly: "", rows: 1 + plot.rules.length, "aria-label": "Python code", hidden: "" });
  copy.addEventListener("click", async () => {
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
  common.append(reset, copy);
  if (box.length === 1) common.append(cobwebButton());
  common.append(code);
  controls.append(common);

  // --------------------------------------------------------------------------------- time

  let now = Infinity; // the step that is seen, at most the last
  let playing = 0;

  const atStep = () => Math.min(now, state.steps);

  function goTo(t) {
    cancelAnimationFrame(playing);
    playing = 0;
    see(t);
  }

  function see(t) {
    now = t < state.steps ? Math.max(0, t) : Infinity;
    redraw();
  }

  /** Make the steps one after another, in five seconds or, if they are many, one in a frame. */
  function play() {
    const first = now < state.steps ? now : 0;
    const begin = performance.now();
    const tick = (time) => {
      const t = first + Math.floor(Math.max(0, time - begin) / 1000 * Math.min(60, state.steps / 5));
      if (t >= state.steps) return goTo(Infinity);
      playing = requestAnimationFrame(tick);
      if (t !== now) see(t);
    };
    playing = requestAnimationFrame(tick);
    see(first);
  }

  const time = element("div", { class: "normgd-time", role: "group", "aria-label": "Time" });
  const button = (text, name, action) => {
    const made = element("button", { type: "button", "aria-label": name, title: name }, text);
    made.addEventListener("click", action);
    time.append(made);
    return made;
  };
  const player = button("Play", "Play", () => (playing ? goTo(now) : play()));
  player.className = "normgd-play";
  views.push(() => {
    player.textContent = playing ? "Pause" : "Play";
    player.setAttribute("aria-label", player.title = player.textContent);
  });
  button("−1", "−1: one step back", () => goTo(atStep() - 1));
  button("+1", "+1: one step on", () => goTo(atStep() + 1));
  slider(time, "t", "step that is shown", { min: 0, max: 1, step: 1 }, (input) => {
    input.max = state.steps;
    return [atStep(), String(atStep())];
  }, goTo);
  time.addEventListener("keydown", (event) => event.stopPropagation());
  find(".normgd-plane").append(time);

  // ------------------------------------------------------------------------------ cobweb

  /** Make the button that turns the curve into the map from w to the next w, and back. */
  function cobwebButton() {
    const button = element("button", { type: "button", "aria-pressed": "false" }, "Cobweb");
    const curve = [...figure.querySelectorAll(":scope > text, .normgd-axes, .normgd-contours, .normgd-minimisers")];
    const axes = drawing("g");
    const foot = top + height;
    const label = (x, y, anchor, text, more = {}) => axes.append(drawing("text", { x, y, "text-anchor": anchor, ...more }, text));
    const name = { class: "normgd-name", "font-size": 15 };
    label(2, 16, "start", "next w", name);
    label(left + width / 2, foot + 36, "middle", "w", name);
    let marks = `M${left} ${top}h${width}v${height}h${-width}z`;
    for (const tick of ticks(...box[0], 6)) {
      const [x, y] = SCENES.cobweb(plot).toPixels([tick]);
      marks += `M${left + x} ${foot}v5M${left} ${top + y}h-5`;
      label(left + x, foot + 19, "middle", exact(tick));
      label(left - 9, top + y + 4.5, "end", exact(tick));
    }
    axes.append(drawing("path", { d: marks, class: "normgd-axes", fill: "none" }));
    const about = figure.querySelector("title").textContent.trim();
    button.addEventListener("click", () => {
      web = !web;
      button.setAttribute("aria-pressed", String(web));
      view = SCENES[web ? "cobweb" : "line"](plot, program.value);
      for (const node of curve) node.style.display = web ? "none" : "";
      if (web) figure.prepend(axes);
      else axes.remove();
      figure.setAttribute("aria-label", web ? `${plot.rules.map((rule) => rule.label).join(", ")}: cobweb of w and the next w` : about);
      redraw();
    });
    return button;
  }

  /** Draw the map from w to the next w of a rule that has no memory and does not look at the time. */
  function drawMap(path, i) {
    const rule = plot.rules[i];
    const seen = web && !rule.memory && !/\bt\b/.test(rule.step);
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

  const chart = drawing("svg", { class: "normgd-chart", role: "img" });
  const summary = element("output", { class: "normgd-summary normgd-unseen" });
  const criteria = [...(minimisers.length ? [LANDED] : []), ...(box.length === 1 ? [CYCLE] : []), BOUNCING[box.length]];
  const note = element("p", { class: "normgd-note" }, criteria.join(" "));

  key.remove();
  body.append(controls, element("div", { class: "normgd-chart-box" }, chart), table, note, summary);

  // -------------------------------------------------------------------------- the picture

  function fromPointer(event) {
    const bounds = figure.getBoundingClientRect();
    const scale = figure.viewBox.baseVal.width / bounds.width;
    const x = ((event.clientX - bounds.left) * scale - left) / width;
    const y = ((event.clientY - bounds.top) * scale - top) / height;
    return view.fromPicture(x, y).slice(0, box.length);
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
    grip = state.start.map((x, i) => (onHandle ? x - w[i] : 0));
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
    const move = box.length === 1 ? [arrow[0] + arrow[1]] : arrow;
    moveTo(state.start.map((x, i) => x + move[i] * (box[i][1] - box[i][0]) / part));
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
    const places = (cycle(run, box) ?? []).map((x) => view.toPixels([x]).map((z) => z.toFixed(1)));
    marks.setAttribute("d", places.map(([x, y]) => `M${x} ${y}m-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0M${x} ${y}m0 7V${height}`).join(""));
  }

  function drawPath(group, { path }) {
    const far = 20 * (width + height);
    let line = "", dots = "", x0 = NaN, y0 = NaN, x = 0, y = 0;
    for (const w of path) {
      const at = view.toPixels(w).map((z) => clamp(z, -1e7, 1e7));
      if (at.some(Number.isNaN)) break; // J is not defined there
      [x, y] = at;
      const reach = Math.max(Math.abs(x), Math.abs(y)) / far;
      if (reach > 1) { // towards it, as far as is drawn
        [x, y] = [x0 + (x - x0) / reach, y0 + (y - y0) / reach];
      }
      const step = Math.max(Math.abs(x - x0), Math.abs(y - y0));
      if (step < 0.3) continue;
      const place = `${x.toFixed(1)} ${y.toFixed(1)}`;
      line += line ? view.leg(x0, y0, x, y) : `M${place}`;
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
  const present = drawing("path", { class: "normgd-now" });
  chart.append(inside, grid, present, curves);
  const traces = lines.map((line) => {
    const trace = line.cloneNode(true);
    trace.querySelector(".normgd-cycle").remove();
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

    present.setAttribute("d", now < state.steps ? `M${X(now).toFixed(1)} ${CHART.top}v${inner.height}` : "");
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
    const [x, y] = view.toPixels(state.start);
    handle.setAttribute("transform", `translate(${(left + x).toFixed(1)} ${(top + y).toFixed(1)})`);
    handle.dataset.w = state.start.join();
    const here = box.length > 1 ? `(${state.start.map(exact).join(", ")})` : exact(state.start[0]);
    handle.setAttribute("aria-valuenow", state.start[0]);
    handle.setAttribute("aria-valuetext", state.start.map((x, i) => `${axes[i]} = ${exact(x)}`).join(", "));
    const t = atStep();
    caption.textContent = `After ${t} ${t === 1 ? "step" : "steps"} from ${here}`;
    const said = [];
    runs.forEach((whole, i) => {
      const rule = plot.rules[i];
      const run = until(whole, t);
      const shown = state.shown.includes(rule.label);
      lines[i].style.display = shown ? "" : "none";
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
      drawPath(later[i], { path: whole.path.slice(t) });
      const end = run.path.at(-1);
      lines[i].dataset.w = end.join();
      const finite = run.diverged === null;
      const J = finite ? run.J.at(-1) : NaN;
      const last = finite && t > 0 ? distance(end, run.path.at(-2)) : NaN;
      const status = fate(run, box, minimisers);
      const told = [short(J), ...(minimisers.length ? [short(finite ? nearest(end) : NaN)] : []), short(last), status];
      cells.forEach((cell, k) => (cell.textContent = told[k]));
      said.push(finite ? `${rule.label}: J = ${told[0]}, ${status}.` : `${rule.label}: ${status}.`);
    });
    diagonal.setAttribute("d", web ? `M0 ${height}L${width} 0` : "");
    drawChart(runs);
    if (!code.hidden) code.value = python(plot, state);
    chart.setAttribute("aria-label", `J at each step. ${said.join(" ")}`);
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
    cancelAnimationFrame(playing);
    clearTimeout(summarising);
    if (saving) {
      clearTimeout(saving);
      save();
    }
    for (const [event, listener] of listeners) model.off(event, listener);
  };
}
