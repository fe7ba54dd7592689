import { z } from 'zod';
import { applianceRoles } from '../../identity/permissions.ts';
import type { Route } from '../route.ts';
import { userRoutesAt } from './users.ts';

export const applianceUserRoutes: readonly Route[] = userRoutesAt({
  noun: 'ApplianceUser',
  words: 'user of the appliance',
  path: '/users',
  roles: applianceRoles,
  read: { kind: 'permission', appliance: 'appliance.read' },
  write: { kind: 'permission', appliance: 'appliance-users.write' },
  inPlace: z.strictObject({}),
  one: z.strictObject({ userId: z.uuid().describe('The user.') }),
});
