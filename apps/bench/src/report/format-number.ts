/** Three significant digits, thousands apart: `598,000`, `1.95`; `–` for what is no number. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1_000) {
    return Number(value.toPrecision(3)).toLocaleString("en-GB", { maximumFractionDigits: 0 });
  }
  return value.toLocaleString("en-GB", { maximumSignificantDigits: 3, minimumSignificantDigits: 3 });
}

/** A ratio: `0.45 ×`, `12 ×`. */
export function formatRatio(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits =
    value < 100 ? { maximumSignificantDigits: 2, minimumSignificantDigits: 2 } : { maximumFractionDigits: 0 };
  return `${value.toLocaleString("en-GB", digits)} ×`;
}
