// The minibatch: the mean of normalised gradients against the direction of the mean
// (normgd/explorers/minibatch.py).

function minibatch(plot, { unit }) {
  const { points, roots } = plot;
  const most = roots.length - 1;
  const factorial = (k) => (k < 2 ? 1 : k * factorial(k - 1));

  /** How often each of n points may be in a batch of this size. */
  function counts(n, size) {
    if (n === 1) return [[size]];
    return Array.from({ length: size + 1 }, (_, k) => size - k).flatMap((first) =>
      counts(n - 1, size - first).map((rest) => [first, ...rest]));
  }

  const meanOf = (count, size) => [0, 1].map((i) => count.reduce((sum, k, j) => sum + k * points[j][i], 0) / size);
  const all = Array(points.length).fill(1);
  const mean = meanOf(all, points.length);
  const batches = Array.from({ length: most }, (_, k) => counts(points.length, k + 1).map((count) => ({
    mean: meanOf(count, k + 1),
    weight: factorial(k + 1) / count.reduce((product, c) => product * factorial(c), 1) / points.length ** (k + 1),
  })));

  const towards = (w, goal) => unit([w[0] - goal[0], w[1] - goal[1]]).map((x) => -x);
  const plus = (w, step) => w.map((x, i) => x + step[i]);

  /** The angle between two vectors in degrees, NaN if one of them is 0. */
  function angle(a, b) {
    if (!Math.hypot(...a) || !Math.hypot(...b)) return NaN;
    return Math.abs(Math.atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1])) * 180 / Math.PI;
  }

  return {
    compute({ w, batch }) {
      const downhill = towards(w, mean);
      const steps = batches.map((some) => some.map((one) => towards(w, one.mean)));
      const means = batches.map((some, k) => [0, 1].map((i) =>
        some.reduce((sum, { weight }, j) => sum + weight * steps[k][j][i], 0)));
      const chart = means.map((step, k) => [k + 1, angle(step, downhill)]);
      const here = means[batch - 1];
      return {
        marks: {
          roots,
          root: [roots[batch - 1]],
          points,
          directions: steps[batch - 1].map((step) => plus(w, step)),
          whole: [w, plus(w, downhill)],
          mean: [w, plus(w, here)],
          angles: chart,
          "all angles": chart,
          here: [chart[batch - 1]],
          place: [w],
        },
        numbers: { angle: chart[batch - 1][1], length: Math.hypot(...here), shift: distance(roots[batch - 1], mean) },
      };
    },
    tell: (values, { angle, length, shift }) => [
      ["angle between the arrows", Number.isNaN(angle) ? "none, one of them is 0" : `${angle.toFixed(1)}°`],
      ["length of the mean step", short(length)],
      ["from where it is 0 to the minimum", short(shift)],
    ],
    python: ({ w, batch }) => [
      "import itertools, math",
      "import numpy as np",
      "import normgd as ng",
      `points = np.array(${JSON.stringify(points)})`,
      `w, B, n = np.array([${w.join(", ")}]), ${batch}, ${points.length}`,
      "step = np.zeros(2)",
      "for batch in itertools.combinations_with_replacement(range(n), B):",
      "    ways = math.factorial(B) / math.prod(math.factorial(batch.count(i)) for i in range(n))",
      "    step -= ways / n**B * ng.unit(w - points[list(batch)].mean(axis=0))",
      "print(step, -ng.unit(w - points.mean(axis=0)))",
    ].join("\n"),
  };
}
