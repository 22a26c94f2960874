// The settings of a race, as a link and as Python code.

/** Write the settings of the explorer of this number as pairs of key and value. */
function writeSettings(number, state, { initial, rules }) {
  const pairs = [];
  const put = (key, value) => pairs.push([`${number}.${key}`, String(value)]);
  const changed = (name) => !same(state[name], initial[name]);
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
  const pairs = readPairs(fragment);
  const numbers = (key) => (pairs.get(`${number}.${key}`) ?? "").split(",", 4).map(readNumber);
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

/** A rule's Python code with its numbers in it. */
const filled = (code, rates) => code.replace(/\{(\w+)\}/g, (_, name) => rates[name]);

/** The Python code that computes what is seen. */
function python(plot, state) {
  const start = state.start.length > 1 ? `(${state.start.join(", ")})` : state.start[0];
  const calls = plot.rules.filter(({ label }) => state.shown.includes(label)).map((rule) => {
    const code = filled(rule.python, state.rates[rule.label]);
    return `ng.descend(${plot.python}, ${start}, ${code}, steps=${state.steps})`;
  });
  return ["import normgd as ng", ...calls].join("\n");
}
