import { readFileSync, writeFileSync } from 'node:fs';
import { SMTPServer } from 'smtp-server';

/* The mail server of the guide: mail-server.ts CERTIFICATE KEY PASSWORD MAIL. What it takes last is in the file MAIL. */

const [certificate = '', key = '', password = '', mail = ''] = process.argv.slice(2);

const server = new SMTPServer({
  cert: readFileSync(certificate),
  key: readFileSync(key),
  onAuth: (auth, _, done) =>
    auth.username === 'holdfast' && auth.password === password
      ? done(null, { user: auth.username })
      : done(new Error('Invalid username or password')),
  onData: (stream, { secure }, done) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (secure) writeFileSync(mail, Buffer.concat(chunks));
      done();
    });
  },
});
server.listen(587, '127.0.0.1');
