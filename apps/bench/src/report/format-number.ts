/** Three significant digits, thousands apart: `598,000`, `1.95`, `–` for what is no number. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 1_000) return Number(value.toPrecision(3)).toLocaleString("en-GB", { maximumFractionDigits: 0 });
  return value.toLocaleString("en-GB", { maximumSignificantDigits: 3, minimumSignificantDigits: 3 });
}

/** A ratio: `0.45 ×`, `12 ×`. */
export function formatRatio(value: number): string {
  return Number.isFinite(value) ? `${formatNumber(value)} ×` : "–";
}
