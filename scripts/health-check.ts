import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { loadConfig } from '../src/config/load.ts';

/*
 * The container's health check: asks the node of this machine for /ping over TLS. It takes the certificate of the
 * configuration and no other, so that it needs no CA. With mutual TLS there is no client certificate to ask with: then
 * a handshake with that certificate is health enough.
 */

const timeout = 4_000;

const config = loadConfig(process.env['HOLDFAST_CONFIG'] ?? '/etc/holdfast/holdfast.toml');
const { address, port, tls } = config.xks;
const wanted = new X509Certificate(readFileSync(tls.certificate)).fingerprint256;

const socket = connect({
  host: address === '0.0.0.0' ? '127.0.0.1' : address,
  port,
  // The fingerprint below is stricter than any chain.
  rejectUnauthorized: false,
  timeout: timeout,
});
socket.setEncoding('latin1');
let answer = '';
socket.on('secureConnect', () => {
  if (socket.getPeerX509Certificate()?.fingerprint256 !== wanted) end('another certificate is served');
  if (tls.client_ca !== undefined) end();
  socket.write('GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
});
socket.on('data', (text: string) => {
  answer += text;
});
socket.on('end', () => (answer.startsWith('HTTP/1.1 200 ') ? end() : end('/ping does not answer 200')));
socket.on('timeout', () => end('no answer in time'));
socket.on('error', (error) => end(error.message));

function end(problem?: string): never {
  if (problem !== undefined) console.error(`health: ${problem}`);
  process.exit(problem === undefined ? 0 : 1);
}
