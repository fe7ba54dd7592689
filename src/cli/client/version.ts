import { readFileSync } from 'node:fs';

/** Of this release; told to AWS in `xksProxyModel`, and to anyone in the OpenAPI document. */
export const { version } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as {
  version: string;
};

/**
 * The release with the commit that it was set up from (Semantic Versioning's build metadata): `0.4.0+1e526947c0de`,
 * `…-changed` where the sources were not as committed, `0.4.0+unknown` where set-up found no repository. For operators.
 */
export const build = `${version}+${commit()}`;

/** Written by scripts/set-up and the image's build, so that no git is needed here. */
function commit(): string {
  try {
    const text = readFileSync(new URL('../../../build/commit', import.meta.url), 'utf8').trim();
    return /^[0-9a-f]{7,40}(?:-changed)?$/.test(text) ? text : 'unknown';
  } catch {
    return 'unknown';
  }
}
