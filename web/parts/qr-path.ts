import { encodeQR } from 'qr';

export interface QrPath {
  /** Modules on a side, with the quiet zone of four around it. */
  size: number;
  /** Of an SVG path in those units. */
  path: string;
}

/** A QR code as one path: a row's runs of dark modules, each a rectangle. */
export function qrPath(text: string): QrPath {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: 4 });
  const runs = rows.flatMap((row, y) =>
    row.flatMap((isDark, x) => {
      if (!isDark || row[x - 1] === true) return [];
      const next = row.indexOf(false, x);
      const length = (next === -1 ? row.length : next) - x;
      return [`M${x} ${y}h${length}v1h-${length}z`];
    }),
  );
  return { size: rows.length, path: runs.join('') };
}
