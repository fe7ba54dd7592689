import { readFileSync } from 'node:fs';

/*
 * Prints src/doctor/trusted-cas.json from AWS's list of the CAs that KMS trusts, the file TrustedCertificateAuthorities
 * of github.com/aws/aws-kms-xksproxy-api-spec: node scripts/trusted-cas.ts FILE COMMIT DATE
 */

const [file = '', commit = '', date = ''] = process.argv.slice(2);
const entries = readFileSync(file, 'utf8')
  .split(/^Alias name: /m)
  .slice(1);
const cas = entries.map((entry) => {
  const owner = /^Owner: (.*)$/m.exec(entry)?.[1] ?? '';
  const until = /until: (.*)$/m.exec(entry)?.[1] ?? '';
  const sha256 = /SHA256: ([0-9A-F:]+)/.exec(entry)?.[1]?.replaceAll(':', '').toLowerCase() ?? '';
  if (owner === '' || sha256.length !== 64)
    throw new Error(`no owner or fingerprint in: ${entry.slice(0, 80)}`);
  return `${sha256} ${new Date(until).toISOString().slice(0, 10)} ${nameOf(owner)}`;
});
const source = 'https://github.com/aws/aws-kms-xksproxy-api-spec/blob/main/TrustedCertificateAuthorities';
console.log(JSON.stringify({ source, commit, date, cas }, null, 2));

/** The common name, or the unit and organisation where there is none. */
function nameOf(owner: string): string {
  const part = (type: string) =>
    new RegExp(`(?:^|, )${type}=("(?:[^"]*)"|[^,]*)`).exec(owner)?.[1]?.replaceAll('"', '');
  return part('CN') ?? [part('OU'), part('O')].filter((text) => text !== undefined).join(', ');
}
