import { qrPath } from './qr-path.ts';

/** For a camera: dark on white in either mode, since not every camera reads the inverse. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { size, path } = qrPath(text);
  const drawing =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">` +
    `<rect width="${size}" height="${size}" fill="#fff"/><path d="${path}"/></svg>`;
  return <img className="qr-code" alt={label} src={`data:image/svg+xml,${encodeURIComponent(drawing)}`} />;
}
