// Tables of plain text: the first column is flush left, the others flush right.

/** A number with about three digits that matter; whole ones as they are. */
export function short(value) {
  if (!Number.isFinite(value)) return '-';
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  const size = Math.abs(value);
  return size >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(size >= 10 ? 1 : 2);
}

/** Whatever is not a number is printed as it is. */
export function printTable(title, columns, rows) {
  const texts = [columns, ...rows].map((row) =>
    row.map((cell) => (typeof cell === 'number' ? short(cell) : `${cell}`)),
  );
  const widths = columns.map((_, column) => Math.max(...texts.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  ');
  console.log(`\n${title}\n`);
  console.log(line(texts[0]));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of texts.slice(1)) console.log(line(row));
}
