// The paths of rules that are iterated here, and how they end.
//
// What is iterated is the library's own code, traced and printed by Python (normgd/pixels.py).

/** Turn the traced code of a landscape and its rules into functions; of a rule without code, null. */
function compile({ prelude, value, samples, box, rules }) {
  const make = (parameters, body) => body && compiled(prelude, parameters, body);
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
