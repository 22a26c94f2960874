// Directions in the plane as angles in degrees: what the compass and the norm ball share.

const DEGREE = Math.PI / 180;
const RING = Array.from({ length: 361 }, (_, k) => k - 180);

const heading = (angle) => [Math.cos(angle * DEGREE), Math.sin(angle * DEGREE)];
const degrees = ([x, y]) => Math.atan2(y + 0, x + 0) / DEGREE; // + 0: no angle of −0
const inDegrees = (angle) => `${minus(angle.toFixed(1).replace(/^-0\.0$/, "0.0"))}°`;

/** The angle that a drag to a place gives. */
const turned = (xy) => ({ angle: Math.round(degrees(xy)) + 0 });

/** Directions round the ring as a curve of angles, broken where it leaps by more. */
function turning(directions, leap) {
  const points = [];
  directions.forEach((u, k) => {
    const angle = degrees(u);
    if (k && Math.abs(angle - points.at(-1)[1]) > leap) points.push([NaN, NaN]);
    points.push([RING[k], angle]);
  });
  return points;
}

/** The line across a chart of angles. */
const upright = (angle) => [[angle, -195], [angle, 195]];
