// The race: a start to drag, sliders, and the paths of rules.
//
// What it draws on is Python's picture (normgd/explore.py). The path of a rule that has no code here
// is Python's, too: in a live notebook it follows what is moved, on a page it is a still.

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
  const id = newId();
  const body = pictureOf({ model, el });
  const find = (selector) => body.querySelector(selector);
  const figure = find(".normgd-figure");
  const handle = find(".normgd-start");
  const lines = [...body.querySelectorAll(".normgd-paths > .normgd-rule")];
  const key = find(".normgd-key");
  const swatch = (i) => key.children[i].querySelector("svg").cloneNode(true);
  const chart = losses(plot, lines, id);

  // ------------------------------------------------------------------------------- state

  const redraw = framed(draw);
  const tell = telling(model);

  function change(name, value) {
    state[name] = value;
    tell(name, value);
    redraw();
  }

  function changeRate(label, name, value) {
    change("rates", { ...state.rates, [label]: { ...state.rates[label], [name]: value } });
  }

  const settle = (w, seen) => w.map((x, i) => rounded(x, seen[i], box[i]));

  function moveTo(w) {
    if (!w.every(Number.isFinite)) return; // a picture that has no size yet
    const start = settle(w, part(box, state.zoom));
    if (start.some((x, i) => x !== state.start[i])) change("start", start);
  }

  // ---------------------------------------------------------------------------- controls

  const controls = controlGroup("normgd-controls", "Controls");
  const views = []; // each brings a control up to date with the state

  function addSlider(parent, letter, meaning, range, get, set) {
    const { label, input, output, show } = slider(`${id}-${views.length}`, range, set);
    label.title = meaning;
    label.append(letter);
    if (meaning) label.append(element("span", { class: "normgd-unseen" }, `, ${meaning}`));
    views.push(() => show(...get(input)));
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
    const told = [];
    for (const control of rule.controls) {
      const { name, letter, meaning } = control;
      const { max, step, position, value } = scale(control);
      const rate = () => state.rates[rule.label][name];
      if (rule.step || live) {
        addSlider(group, letter, meaning, { min: 0, max, step },
          () => [position(rate()), exact(rate())], (k) => changeRate(rule.label, name, value(k)));
      } else told.push(`${letter} = ${exact(rate())}`);
    }
    if (rule.schedules) told.push(rule.schedules);
    if (told.length) group.append(element("div", { class: "normgd-schedule" }, told.join(", ")));
    controls.append(group);
  });

  const common = element("div", { class: "normgd-common" });
  addSlider(common, "steps", "", { min: 1, max: 1, step: 1 }, (input) => {
    input.max = Math.min(plot.most.steps, Math.max(200, 2 * plot.initial.steps, state.steps));
    return [state.steps, String(state.steps)];
  }, (k) => change("steps", k));
  if (plot.value) zoomButtons();
  const reset = button("Reset", () => {
    stop();
    for (const name of names) change(name, structuredClone(plot.initial[name]));
  });
  const summary = saying();
  const copy = copying(() => python(plot, state), 1 + plot.rules.length, summary);
  views.push(copy.view);
  common.append(reset, copy.button);
  if (box.length === 1) {
    const web = button("Cobweb", () => change("cobweb", !state.cobweb));
    views.push(() => web.setAttribute("aria-pressed", String(state.cobweb)));
    common.append(web);
  }
  common.append(copy.code);
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

  const time = controlGroup("normgd-time", "Time");
  const player = button("Play", () => (playing ? goTo(playing.t) : play()), "Play");
  player.className = "normgd-play";
  views.push(() => {
    player.textContent = playing ? "Pause" : "Play";
    player.setAttribute("aria-label", player.title = player.textContent);
  });
  time.append(player,
    button("−1", () => goTo(atStep() - 1), "−1: one step back"),
    button("+1", () => goTo(atStep() + 1), "+1: one step on"));
  addSlider(time, "t", "step that is shown", { min: 0, max: 1, step: 1 }, (input) => {
    input.max = state.steps;
    return [atStep(), String(atStep())];
  }, goTo);
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
    const enlarge = button("+", () => {
      const first = plot.rules.findIndex(({ label }) => state.shown.includes(label));
      const end = runs[first] ? until(runs[first], atStep()).path.at(-1) : state.start;
      zoomTo(2 * state.zoom[0], end.map((x, i) => clamp(x, ...box[i])), middle);
    }, "Zoom in on the end of the first path");
    const out = button("−", () => zoomTo(state.zoom[0] / 2, state.zoom.slice(1), middle), "Zoom out");
    group.append(enlarge, out);
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
    // On a phone a long name may go on after its underscore.
    const words = rule.label.split(/(?<=_)/).flatMap((word, k) => (k ? [element("wbr"), word] : [word]));
    const name = element("span", {}, ...words, element("small", { class: "normgd-paper" }));
    row.append(element("th", { scope: "row" }, element("span", {}, swatch(i), name)));
    for (const _ of columns.slice(1)) row.insertCell();
    return row;
  });

  const criteria = [...(minimisers.length ? [LANDED] : []), ...(box.length === 1 ? [CYCLE] : []), BOUNCING[box.length]];
  const note = element("p", { class: "normgd-note" }, criteria.join(" "));

  body.append(controls, element("div", { class: "normgd-chart-box" }, chart.node), table, note, ...formulas(), summary.output);

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
    const [x, y] = placeIn(figure, event, left, top);
    return [x / width, y / height];
  }
  const pointed = (event) => view.fromPicture(...fromPointer(event)).slice(0, box.length);

  figure.querySelectorAll("title, desc").forEach((node) => node.remove()); // no tooltip while dragging
  adorn(handle, { "aria-valuemin": box[0][0], "aria-valuemax": box[0][1] });
  const isHeld = handled(figure, handle, "start of the paths", {
    where: pointed,
    at: () => state.start,
    move: moveTo,
    press: (...arrow) => {
      const by = box.length === 1 ? [arrow[0] + arrow[1]] : arrow;
      const seen = part(box, state.zoom);
      moveTo(state.start.map((x, i) => x + by[i] * (seen[i][1] - seen[i][0]) / 100));
    },
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
      if (from[0] !== pen[0] || from[1] !== pen[1]) line += `M${written(from)}`;
      line += view.leg(...from, ...to);
      if (step >= 7) dots += `M${written(to)}h0`;
      mark = to;
      pen = to;
    }
    const [curve, beads, end] = group.children;
    curve.setAttribute("d", line);
    beads.setAttribute("d", dots);
    end.setAttribute("transform", translate(mark));
  }

  // ------------------------------------------------------------------------------- drawing

  const nearest = (w) => Math.min(...minimisers.map((p) => distance(w, p)));
  let runs = [];

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
    look();
    runs = plot.rules.map(runOf);
    views.forEach((view) => view());
    const place = view.toPixels(state.start, program.value(state.start));
    const [x, y] = [clamp(place[0], 0, width), clamp(place[1], 0, height)];
    handle.setAttribute("transform", translate([left + x, top + y]));
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
    chart.node.setAttribute("aria-label", `J at each step. ${said.join(" ")}`);
    if (playing) summary.stop();
    else summary.soon(`${caption.textContent}. ${said.join(" ")}`);
  }

  // -------------------------------------------------------------------------------- life

  const listeners = names.map((name) => [`change:${name}`, () => {
    const value = model.get(name);
    if (value === state[name] || tell.owes(name) || (name === "start" && isHeld())) return;
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
    redraw.stop();
    stop();
    summary.stop();
    tell.now();
    for (const [event, listener] of listeners) model.off(event, listener);
  };
}
