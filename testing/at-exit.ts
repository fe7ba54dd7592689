const works: (() => void)[] = [];

/** Done as this process ends, however many there are: of more than ten listeners Node would warn as of a leak. */
export function atExit(work: () => void): void {
  if (works.length === 0) process.once('exit', () => works.forEach((each) => each()));
  works.push(work);
}
