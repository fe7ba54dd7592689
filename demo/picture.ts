import { crc32, deflateSync } from 'node:zlib';

/** A key, one character for each pixel. */
const drawing = [
  '................................',
  '....######......................',
  '...##....##.....................',
  '..##......##....................',
  '..##......####################..',
  '..##......####################..',
  '..##......##...........##..##...',
  '...##....##............##..##...',
  '....######.............##.......',
  '................................',
];
const scale = 8;

/** The picture that the demo uploads: a PNG of a key, made here so that no file of ours is needed. */
export function drawPicture(): Buffer {
  const rows = drawing.flatMap((row) => {
    const line = Buffer.concat([
      Buffer.of(0),
      ...row.split('').map((pixel) => Buffer.alloc(scale, pixel === '#' ? 0x20 : 0xf0)),
    ]);
    return Array.from({ length: scale }, () => line);
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE((drawing[0] ?? '').length * scale, 0);
  header.writeUInt32BE(drawing.length * scale, 4);
  // Eight bits of grey; the standard compression, filter and no interlace (PNG, 11.2.2).
  header.writeUInt8(8, 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** The same for a terminal. */
export function showPicture(): string[] {
  return drawing.map((row) => row.replaceAll('.', ' ').trimEnd()).filter((row) => row !== '');
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
