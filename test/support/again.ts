/** The one command that has what a search has found again. */
export function again(variables: Readonly<Record<string, string | number>>, file: string): string {
  const set = Object.entries(variables).map(([name, value]) => `${name}=${value} `);
  return `again: ${set.join('')}npm run test:one -- ${file}`;
}
