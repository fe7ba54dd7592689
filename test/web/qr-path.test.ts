import test from 'ava';
import { decodeQR } from 'qr/decode.js';
import { qrPath } from '../../web/parts/qr-path.ts';

/** Pixels of a path of rectangles, eight a module, as a camera would have them. */
function painted({ size, path }: { size: number; path: string }) {
  const scale = 8;
  const width = size * scale;
  const data = new Uint8Array(width * width * 4).fill(255);
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g))
    for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; row += 1)
      for (let column = Number(x) * scale; column < (Number(x) + Number(length)) * scale; column += 1)
        data.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3);
  return { width, height: width, data };
}

test('a camera reads from the QR code the address that an app takes', (t) => {
  const address =
    'otpauth://totp/Holdfast%20(%C3%A4%20vault):ada?issuer=Holdfast&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&period=30&digits=6&algorithm=SHA1';
  t.is(decodeQR(painted(qrPath(address))), address);
});
