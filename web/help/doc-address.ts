/** Where the console has a page of the documentation, beneath the home of the session. */
export function docAddress(home: string, name: string, anchor: string): string {
  return `${home}/documentation/${name}${anchor === '' ? '' : `#${anchor}`}`;
}
