// ε as a second learning rate: late iterates for each ε, and the orbit (normgd/explorers/epsilon.py).

function epsilon(plot, { step }) {
  const { at, curvature, columns, rows, steps, shown, seen, starts } = plot;
  const { x: axis, y: { high: top } } = plot.figures.diagram;

  /** Late iterates for each column of the diagram, no two in the same half pixel. */
  function late(eta, from) {
    const points = [];
    for (let k = 0; k < columns; k++) {
      const eps = along(axis, k / (columns - 1));
      const found = new Set();
      for (let x of from) {
        for (let t = 0; t < steps; t++) x = step(x, eta, eps);
        for (let t = 0; t < shown; t++) {
          found.add(Math.floor(Math.abs(x - at) / eta / top * rows + 0.5));
          x = step(x, eta, eps);
        }
      }
      for (const row of [...found].sort((a, b) => a - b)) points.push([eps, row / rows * top]);
    }
    return points;
  }

  function cycle(eta) {
    const threshold = eta * curvature / 2;
    const [first, last] = [axis.low, Math.min(threshold, axis.high)].map(Math.log);
    const points = Array.from({ length: 101 }, (_, k) => {
      const eps = Math.exp(first + (last - first) * k / 100);
      return [eps, Math.max(0, 0.5 - eps / (eta * curvature))];
    });
    const [eps, size] = points.at(-1);
    return [...points, [Math.max(axis.high, eps), threshold <= axis.high ? 0 : size]];
  }

  // A new ε leaves the diagram as it is.
  const others = remembered((eta) => late(eta, starts.map((share) => at + share * eta)));
  const mine = remembered((eta, start) => late(eta, [start]));
  const exactly = remembered(cycle);

  /** In how many steps what is multiplied so in each of them halves. */
  function half(multiplier) {
    if (Math.abs(multiplier) >= 1) return Infinity;
    return multiplier ? Math.log(0.5) / Math.log(Math.abs(multiplier)) : 0;
  }

  function compute({ eps, eta, start }) {
    const lengths = [];
    for (let t = 0, x = start; t <= steps + 1; t++, x = step(x, eta, eps)) lengths.push(Math.abs(x - at));
    const threshold = eta * curvature / 2;
    const bends = eps < threshold;
    const amplitude = Math.max(0, eta / 2 - eps / curvature);
    const [atZero, onCycle] = [1 - eta * curvature / eps, 1 - 4 * eps / (eta * curvature)];
    const orbit = lengths.slice(0, seen + 1).map((length, t) => [t, length]);
    return {
      marks: {
        others: others(eta),
        mine: mine(eta, start),
        cycle: exactly(eta),
        threshold: [[threshold, 0], [threshold, top]],
        now: [[eps, 0], [eps, top]],
        amplitude: [[0, amplitude], [seen, bends ? amplitude : NaN]],
        orbit,
        dots: orbit,
        cursor: [[eps, 0.93]],
      },
      numbers: {
        threshold,
        amplitude,
        "at zero": atZero,
        "on the cycle": bends ? onCycle : NaN,
        half: half(bends ? onCycle : atZero),
        late: lengths[steps],
        later: lengths[steps + 1],
      },
    };
  }

  function ends({ eps }, { threshold, half, late, later }) {
    if (late === 0 && later === 0) return "at rest on the minimiser";
    if (eps > threshold) return "converges";
    if (eps === threshold) return "at the threshold";
    return 7 * half < steps ? "two-cycle" : "still drifts to the two-cycle"; // seven halves are below 1 %
  }

  return {
    compute,
    tell: (values, numbers) => [
      ["state", ends(values, numbers)],
      ["threshold ηλ/2", short(numbers.threshold)],
      ["two-cycle of λw²/2", numbers.amplitude ? `±${short(numbers.amplitude)}` : "none"],
      ["late |w − w*|", `${short(numbers.late)} ⇄ ${short(numbers.later)}`],
      ["factor per step at w*", short(numbers["at zero"])],
      ["… on the two-cycle", short(numbers["on the cycle"])],
      ["distance halves in", Number.isFinite(numbers.half) ? `${exact(Math.max(1, Math.round(numbers.half)))} steps` : "–"],
    ],
    python: ({ eps, eta, start }) => [
      "import numpy as np",
      "import normgd as ng",
      `J, eta, eps = ${plot.python}, ${eta}, ${eps}`,
      `path = ng.descend(J, ${start}, lambda g: eta * g / (ng.norm(g) + eps), steps=${steps + 1})`,
      `print(np.abs(path.w[-2:, 0] - ${at}))`,
    ].join("\n"),
  };
}
