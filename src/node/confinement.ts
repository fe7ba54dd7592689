import { homedir } from 'node:os';
import path from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import { hasWildcard, installedAt, wildcardProblem } from '../confinable-path.ts';
import type { Confinement } from '../node-process.ts';
import { reservePath } from '../store/sqlite/space-reserve.ts';

/*
 * Which files the processes that face the network may touch beside our code. TLS files, PINs, the configuration and modules
 * are the supervisor's to read. SQLite itself opens the store past Node's permission model; what is looked at before and
 * beside that is named here.
 */

type Config = Pick<LoadedConfig, 'store' | 'aws'>;

export function confinementOfXksWorker(config: Config): Confinement {
  return { read: storeFiles(config), write: [] };
}

export function confinementOfManagement(config: Config, env: NodeJS.ProcessEnv): Confinement {
  return {
    read: [...storeFiles(config), ...(config.aws.ambient ? ambientFiles(env) : [])],
    write: config.store.kind === 'sqlite' ? [reservePath(config.store.path)] : [],
  };
}

/**
 * The whole directory of a file: better-sqlite3 looks whether it is there, and Node knows no permission for a directory but not
 * what is in it. Of a database what shows it who is there, and who it is.
 */
function storeFiles({ store }: Config): string[] {
  if (store.kind === 'sqlite') return [path.dirname(store.path)];
  const { passwordFile, caFile, certificateFile, keyFile } = store;
  return [passwordFile, caFile, certificateFile, keyFile].filter((file) => file !== undefined);
}

/** Names of paths that no process can be confined to, with why; those of the configuration are refused when it is read. */
export function problemsOfConfinement({ aws }: Pick<Config, 'aws'>, env: NodeJS.ProcessEnv): string[] {
  const paths: [name: string, file: string][] = [
    ['the directory that Holdfast is installed in', installedAt],
    ...(aws.ambient ? namedAmbientFiles(env) : []),
  ];
  return paths
    .filter(([, file]) => hasWildcard(file))
    .map(([name, file]) => `${name}: ${file}: ${wildcardProblem}`);
}

/** Where the AWS SDK looks for credentials of the node's own that are in files. */
function ambientFiles(env: NodeJS.ProcessEnv): string[] {
  return namedAmbientFiles(env).map(([, file]) => file);
}

function namedAmbientFiles(env: NodeJS.ProcessEnv): [name: string, file: string][] {
  const named = [
    'AWS_CONFIG_FILE',
    'AWS_SHARED_CREDENTIALS_FILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  ].flatMap((name) => {
    const file = env[name];
    return file === undefined ? [] : [[name, path.resolve(file)] as [string, string]];
  });
  return [['the home directory', path.join(homedir(), '.aws')], ...named];
}
