// Medians, percentiles, ratios and shuffles.

export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of ratios taken round by round: what slows a whole round down falls out of it. */
export function medianRatio(values, bases) {
  return median(values.map((value, round) => value / bases[round]));
}

/** The median of what values have more than others, round by round. */
export function medianDifference(values, bases) {
  return median(values.map((value, round) => value - bases[round]));
}

export function shuffle(values) {
  const shuffled = [...values];
  for (let index = shuffled.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [shuffled[index], shuffled[other]] = [shuffled[other], shuffled[index]];
  }
  return shuffled;
}
