import type { Route } from './route.ts';

/** Every route of the management API. */
export const allRoutes: readonly Route[] = [];
