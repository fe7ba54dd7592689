import Database from 'better-sqlite3';

/*
 * Native code knows no permission model (src/node-process.ts): whoever gets JavaScript to run in a process that faces the
 * network, and an addon into a file of any name there, would leave the confinement by loading it.
 */

type Native = Record<'loadExtension', unknown>;

/**
 * Loads SQLite, the one addon of a process that faces the network, and from then on lets in no other for the rest of the
 * process's life: neither an addon of Node's (`process.dlopen`, which `require` and `import` call too) nor an extension of
 * SQLite's. OpenSSL's engines and the extensions of node:sqlite are refused by the permission model.
 */
export function letInNoFurtherAddon(): void {
  const database = new Database(':memory:');
  try {
    // Under a symbol of the package's own: the object that the addon made.
    const native = Object.getOwnPropertySymbols(database)
      .map((symbol) => (database as unknown as Record<symbol, unknown>)[symbol])
      .map((value) => Object.getPrototypeOf(value) as Native)
      .find((prototype) => typeof prototype.loadExtension === 'function');
    if (native === undefined) throw new Error('better-sqlite3 keeps its native object elsewhere');
    for (const prototype of [native, Database.prototype as unknown as Native])
      Object.defineProperty(prototype, 'loadExtension', {
        value: refuse,
        writable: false,
        configurable: false,
      });
  } finally {
    database.close();
  }
  Object.defineProperty(process, 'dlopen', { value: refuse, writable: false, configurable: false });
}

function refuse(): never {
  // As Node itself says it without --allow-addons.
  throw Object.assign(new Error('Cannot load native addon because loading addons is disabled.'), {
    code: 'ERR_DLOPEN_DISABLED',
  });
}
