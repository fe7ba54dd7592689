import { homedir } from 'node:os';
import path from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import type { Confinement } from '../node-process.ts';
import { reservePath } from '../store/space-reserve.ts';

/*
 * Which files the processes that face the network may touch beside our code. TLS files, PINs, the configuration and modules
 * are the supervisor's to read. SQLite itself opens the store past Node's permission model; what is looked at before and
 * beside that is named here.
 */

type Config = Pick<LoadedConfig, 'storePath' | 'node' | 'aws'>;

export function confinementOfXksWorker(config: Config): Confinement {
  return { read: [storeDirectory(config)], write: [] };
}

export function confinementOfManagement(config: Config, env: NodeJS.ProcessEnv): Confinement {
  return {
    read: [storeDirectory(config), ...(config.aws.ambient ? ambientFiles(env) : [])],
    write: [nodeIdPath(config.node.state_directory), reservePath(config.storePath)],
  };
}

/** Where a node keeps its id. */
export function nodeIdPath(stateDirectory: string): string {
  return path.join(stateDirectory, 'node-id');
}

/** All of it: better-sqlite3 looks whether it is there, and Node knows no permission for a directory but not what is in it. */
function storeDirectory({ storePath }: Config): string {
  return path.dirname(storePath);
}

/** Where the AWS SDK looks for credentials of the node's own that are in files. */
function ambientFiles(env: NodeJS.ProcessEnv): string[] {
  const named = [
    'AWS_CONFIG_FILE',
    'AWS_SHARED_CREDENTIALS_FILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  ].flatMap((name) => env[name] ?? []);
  return [path.join(homedir(), '.aws'), ...named.map((file) => path.resolve(file))];
}
