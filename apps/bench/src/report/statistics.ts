/** The middle of some numbers; NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** How far the farthest number is from the median, as a part of the median: 0.1 for ± 10 %. */
export function spread(numbers: readonly number[]): number {
  const middle = median(numbers);
  return Math.max(...numbers.map((one) => Math.abs(one - middle))) / Math.abs(middle);
}
