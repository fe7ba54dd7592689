/** Where things are: paths under the origin of the management API. */
export const apiPath = '/api/v1';

/** The API's reference as a page for people; beneath /api/v1. */
export const referencePath = '/reference';

/** A vault's users sign in below this; each vault has its own address. */
export const signInPath = '/sign-in';

/** The address of a route or of something that was made, from its path under /api/v1. */
export function routeAddress(path: string): string {
  return `${apiPath}${path}`;
}

export function vaultAddresses(publicUrl: string, vaultId: string): { signInUrl: string; apiUrl: string } {
  return {
    signInUrl: `${publicUrl}${signInPath}/${vaultId}`,
    apiUrl: `${publicUrl}${routeAddress(`/vaults/${vaultId}`)}`,
  };
}
